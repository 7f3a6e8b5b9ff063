/**
 * How many threads are used where Linux says that the process may use only so much of the machine: the
 * files of /proc and /sys as other machines show them, in a folder that NNCONV_CPU_ROOT names.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import { addonPath } from '../support/addon';

type Files = Record<string, string>;

/** CPUs as `first-last`, `perCore` of them a core. */
function machine(allowed: string, cpus = 8, perCore = 1): Files {
  const files: Files = { 'proc/self/status': `Name:\tnode\nCpus_allowed_list:\t${allowed}\n` };
  for (let cpu = 0; cpu < cpus; cpu++) {
    const topology = `sys/devices/system/cpu/cpu${cpu}/topology`;
    files[`${topology}/physical_package_id`] = '0\n';
    files[`${topology}/core_id`] = `${Math.floor(cpu / perCore)}\n`;
  }
  return files;
}

const MOUNT_V2 =
  '31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n';
const v2 = (group: string, maxima: Files, mount = MOUNT_V2): Files => ({
  'proc/self/cgroup': `0::${group}\n`,
  'proc/self/mountinfo': mount,
  ...Object.fromEntries(
    Object.entries(maxima).map(([file, text]) => [`sys/fs/cgroup${file}`, `${text}\n`]),
  ),
});

const v1 = (folder: string, group: string, quotas: Record<string, [number, number]>): Files => {
  const files: Files = {
    'proc/self/cgroup': `5:memory:/\n4:cpu,cpuacct:${group}\n1:name=systemd:/\n`,
    'proc/self/mountinfo':
      '31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n' +
      `32 31 0:29 / /sys/fs/cgroup/${folder} rw,relatime - cgroup cgroup rw,cpu,cpuacct\n`,
  };
  for (const [at, [quota, period]] of Object.entries(quotas)) {
    files[`sys/fs/cgroup/${folder}${at}/cpu.cfs_quota_us`] = `${quota}\n`;
    files[`sys/fs/cgroup/${folder}${at}/cpu.cfs_period_us`] = `${period}\n`;
  }
  return files;
};

function found(files: Files, env: NodeJS.ProcessEnv = {}): { threads: number; reason: string } {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-cpus-'));
  try {
    for (const [file, text] of Object.entries(files)) {
      fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
      fs.writeFileSync(path.join(root, file), text);
    }
    const code = `
      const { threads, threadsReason: reason } = require(${JSON.stringify(addonPath)}).runtimeInfo();
      console.log(JSON.stringify({ threads, reason }));`;
    const inherited = { ...process.env };
    delete inherited.NNCONV_NUM_THREADS;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', code], {
      encoding: 'utf8',
      env: { ...inherited, NNCONV_CPU_ROOT: root, ...env },
    });
    expect(stderr).toBe('');
    return JSON.parse(stdout) as { threads: number; reason: string };
  } finally {
    fs.rmSync(root, { recursive: true });
  }
}

const eight = machine('0-7');
const CASES: [string, Files, number, RegExp][] = [
  ['nothing but affinity', eight, 8, /affinity 8, physical cores 8$/],
  ['an affinity of three', machine('0,2,7'), 3, /affinity 3/],
  ['hyper-threads', machine('0-7', 8, 2), 4, /affinity 8, physical cores 4/],
  ['hyper-threads of one core', machine('2-3', 8, 2), 1, /affinity 2, physical cores 1/],
  ['more CPUs than threads', machine('0-1999', 2000), 1024, /affinity 2000/],

  ['v2: max', { ...eight, ...v2('/', { '/cpu.max': 'max 100000' }) }, 8, /cores 8$/],
  [
    'v2: 0.5',
    { ...eight, ...v2('/', { '/cpu.max': '50000 100000' }) },
    1,
    /control group quota 1 \(0\.50 CPUs, cgroup v2 \/sys\/fs\/cgroup\)/,
  ],
  ['v2: 1.5', { ...eight, ...v2('/', { '/cpu.max': '150000 100000' }) }, 1, /1\.50 CPUs/],
  ['v2: 2', { ...eight, ...v2('/', { '/cpu.max': '200000 100000' }) }, 2, /quota 2 \(2\.00 CPUs/],
  ['v2: 2.5 of 10 ms', { ...eight, ...v2('/', { '/cpu.max': '25000 10000' }) }, 2, /2\.50 CPUs/],
  ['v2: more than there is', { ...eight, ...v2('/', { '/cpu.max': '9900000 100000' }) }, 8, /99/],
  [
    'v2: its own group, not the root',
    {
      ...eight,
      ...v2('/system.slice/app.service', { '/system.slice/app.service/cpu.max': '300000 100000' }),
    },
    3,
    /cgroup v2 \/sys\/fs\/cgroup\/system\.slice\/app\.service\)/,
  ],
  [
    'v2: a group around it',
    {
      ...eight,
      ...v2('/pod/app', { '/pod/app/cpu.max': 'max 100000', '/pod/cpu.max': '200000 100000' }),
    },
    2,
    /cgroup v2 \/sys\/fs\/cgroup\/pod\)/,
  ],
  [
    'v2: the smallest of several',
    {
      ...eight,
      ...v2('/a/b/c', {
        '/a/b/c/cpu.max': '500000 100000',
        '/a/b/cpu.max': '300000 100000',
        '/a/cpu.max': '400000 100000',
      }),
    },
    3,
    /\/a\/b\)/,
  ],
  [
    'v2: a container that sees its own group as the root',
    { ...eight, ...v2('/docker/12ab', { '/cpu.max': '200000 100000' }) },
    2,
    /2\.00 CPUs/,
  ],
  [
    'v2: a mount of a group',
    {
      ...eight,
      ...v2(
        '/docker/12ab/app',
        { '/app/cpu.max': '200000 100000' },
        MOUNT_V2.replace(' / ', ' /docker/12ab '),
      ),
    },
    2,
    /\/sys\/fs\/cgroup\/app\)/,
  ],
  [
    'v2: another place',
    {
      ...eight,
      ...v2('/x', {}, MOUNT_V2.replace('/sys/fs/cgroup', '/sys/fs/cgroup/unified')),
      'sys/fs/cgroup/unified/x/cpu.max': '400000 100000\n',
    },
    4,
    /unified\/x/,
  ],
  [
    'v2: a group outside of what is seen',
    { ...eight, ...v2('/../../other', { '/cpu.max': '100000 100000' }) },
    1,
    /1\.00 CPUs/,
  ],

  ['v1: none', { ...eight, ...v1('cpu,cpuacct', '/', { '': [-1, 100000] }) }, 8, /cores 8$/],
  ['v1: 0.5', { ...eight, ...v1('cpu', '/', { '': [50000, 100000] }) }, 1, /0\.50 CPUs, cgroup v1/],
  ['v1: 1.5', { ...eight, ...v1('cpu', '/', { '': [150000, 100000] }) }, 1, /1\.50 CPUs/],
  ['v1: 2', { ...eight, ...v1('cpu,cpuacct', '/', { '': [200000, 100000] }) }, 2, /2\.00 CPUs/],
  [
    'v1: its own group, and one around it',
    {
      ...eight,
      ...v1('cpu,cpuacct', '/kube/pod', {
        '/kube/pod': [400000, 100000],
        '/kube': [300000, 100000],
        '': [-1, 100000],
      }),
    },
    3,
    /cgroup v1 \/sys\/fs\/cgroup\/cpu,cpuacct\/kube\)/,
  ],

  [
    'v2: a cpuset',
    { ...eight, ...v2('/app', { '/app/cpuset.cpus.effective': '1-2,5' }) },
    3,
    /cpuset 3/,
  ],
  [
    'v2: an empty cpuset has that of the group around it',
    {
      ...eight,
      ...v2('/app', { '/app/cpuset.cpus.effective': '', '/cpuset.cpus.effective': '0-3' }),
    },
    4,
    /cpuset 4/,
  ],
  [
    'v1: a cpuset',
    {
      ...eight,
      'proc/self/cgroup': '7:cpuset:/app\n',
      'sys/fs/cgroup/cpuset/app/cpuset.cpus': '4-5\n',
    },
    2,
    /cpuset 2/,
  ],
  [
    'a cpuset and a quota',
    {
      ...eight,
      ...v2('/', { '/cpuset.cpus.effective': '0-3', '/cpu.max': '250000 100000' }),
    },
    2,
    /cpuset 4, control group quota 2/,
  ],

  ['nothing', {}, 1, /nothing tells/],
  [
    'nonsense',
    {
      'proc/self/status': 'Cpus_allowed_list:\t-3-x,,99999999999999999999\n',
      'proc/self/cgroup': '::::\n0::\n0\n\n0::relative/group\n',
      'proc/self/mountinfo': ' - \n - cgroup2\nx - cgroup2 x x\n1 2 3 / - cgroup2\n',
      'sys/fs/cgroup/cpu.max': '-1 0\n',
      'sys/fs/cgroup/cpuset.cpus.effective': '9-1\n',
    },
    1,
    /nothing tells/,
  ],
];

const linux = process.platform === 'linux' ? describe : describe.skip;

linux('default threads', () => {
  test.each(CASES)('%s', (_, files, threads, reason) => {
    const result = found(files);
    expect(result.threads).toBe(threads);
    expect(result.reason).toMatch(reason);
  });

  test('NNCONV_NUM_THREADS comes first', () => {
    expect(found(eight, { NNCONV_NUM_THREADS: '3' })).toEqual({
      threads: 3,
      reason: 'NNCONV_NUM_THREADS=3',
    });
  });

  test.each(['0', '-1', '1025', 'two', '2.5', ''])('NNCONV_NUM_THREADS=%s is ignored', (value) => {
    const { threads, reason } = found(eight, { NNCONV_NUM_THREADS: value });
    expect(threads).toBe(8);
    expect(reason).toMatch(/^NNCONV_NUM_THREADS='.*' ignored .*; smallest of: affinity 8/);
  });
});
