/** The commands: each has a file of its own, which is loaded when it is called. */
import type { Command } from 'commander';

/** What a file in commands/ exports. */
export interface CommandFile {
  /** Gives the command its arguments, options, help and action. */
  configure: (command: Command) => void;
}

export interface CommandEntry {
  name: string;
  summary: string;
  load: () => Promise<CommandFile>;
}

/** In the order in which the help lists them. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'info',
    summary: 'what this machine and this build can do',
    load: () => import('./commands/info'),
  },
  {
    name: 'summary',
    summary: 'the layers of a model: shapes, parameters, receptive fields, algorithms',
    load: () => import('./commands/summary'),
  },
  {
    name: 'plot',
    summary: 'kernels and feature maps as pictures',
    load: () => import('./commands/plot'),
  },
  {
    name: 'report',
    summary: 'a page that shows a model and what it does with a picture',
    load: () => import('./commands/report'),
  },
  {
    name: 'run',
    summary: 'a picture or a tensor through a model',
    load: () => import('./commands/run'),
  },
  {
    name: 'bench',
    summary: 'how fast a model or a layer is',
    load: () => import('./commands/bench'),
  },
  {
    name: 'serve',
    summary: 'a model over HTTP, by the Open Inference Protocol',
    load: () => import('./commands/serve'),
  },
];
