#!/usr/bin/env node
/** The program `nnconv`. */
import { EXIT } from './failure';
import { run } from './program';

// `nnconv ... | head`: whoever read has had enough.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.ok);
    throw error;
  });
}

// A command that has to tidy up takes this away and listens itself.
process.once('SIGINT', () => process.exit(EXIT.interrupted));

void run(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
