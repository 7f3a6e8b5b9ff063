/** The command line as a whole: which command, its help, and what becomes of errors. */
import { Command, CommanderError } from 'commander';

import { version } from '../binding';
import { COMMANDS } from './commands';
import { EXIT, exitCodeOf, oneLine, UsageError } from './failure';
import { errorColors } from './terminal';

const HELP = `
Models:
  A model is a name (digits, which comes with its weights; resnet18, mobilenet_v2, video.r3d_18, ...)
  or the path of a .js or .ts file that exports an nn.Module, a class of such, or a function that makes
  one. The file may also export inputShape, preprocessing and labels. Weights are a .safetensors, .pt
  or .pth file.

Examples:
  nnconv info
  nnconv run digits --input seven.png
  nnconv run resnet18 --weights resnet18.pth --input dog.jpg --top-k 3
  nnconv bench mobilenet_v2 --batch 8 --json
  nnconv serve --model digits

Exit codes:
  0    it worked
  1    it failed: a file is missing or damaged, weights don't fit, ...
  2    the command line is wrong
  130  interrupted by Ctrl-C

Environment:
  NNCONV_ISA    the instruction set to use; see nnconv info
  NNCONV_DEBUG  1: errors come with their stack
  NO_COLOR      no colours; FORCE_COLOR: colours even where the output is no terminal`;

/** The command that `argv` calls: the first word, or the one after `help`. */
function calledCommand(argv: readonly string[]): string | undefined {
  const words = argv.filter((word) => !word.startsWith('-'));
  return words[0] === 'help' ? words[1] : words[0];
}

async function makeProgram(called: string | undefined): Promise<Command> {
  const program = new Command('nnconv')
    .description("PyTorch's convolutional networks in Node.js.")
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print the help of a command')
    .addHelpText('after', HELP)
    .exitOverride()
    .configureOutput({ outputError: () => {} }); // see describe()
  for (const { name, summary, load } of COMMANDS) {
    const command = program.command(name).summary(summary);
    if (name === called) (await load()).configure(command);
  }
  return program;
}

/** A commander error in one line, as the others are. */
function describe(error: CommanderError, called: string | undefined): string {
  const text = error.message
    .replace(/^error: /, '')
    .replace(/\.?\s*\n\s*/g, ' ')
    .replace(/\(Did you mean/, '(did you mean')
    .replace(/\.? (It must be [^.]*)\.$/, ': $1')
    .replace(': It', '; it')
    .replace(/\.$/, '');
  const known = COMMANDS.some(({ name }) => name === called);
  return `${text}; see nnconv ${known ? `${called} ` : ''}--help`;
}

function fail(error: unknown, code: number, text: string): number {
  process.stderr.write(`${errorColors.red('nnconv:')} ${text}\n`);
  if (process.env.NNCONV_DEBUG === '1' && error instanceof Error) {
    for (let at: unknown = error; at instanceof Error; at = at.cause) {
      process.stderr.write(`${at.stack ?? at.message}\n`);
    }
  }
  return code;
}

/** Runs the command line `argv` (without node and the script) and returns the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  const called = calledCommand(argv);
  try {
    const program = await makeProgram(called);
    if (argv.length === 0) {
      program.outputHelp({ error: true });
      return EXIT.usage;
    }
    await program.parseAsync(argv, { from: 'user' });
    return Number(process.exitCode ?? EXIT.ok);
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.ok; // help or version was asked for
      return fail(error, EXIT.usage, describe(error, called));
    }
    const code = exitCodeOf(error);
    const hint =
      error instanceof UsageError && called !== undefined ? `; see nnconv ${called} --help` : '';
    return fail(error, code, oneLine(error) + hint);
  }
}
