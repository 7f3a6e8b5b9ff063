/** Progress bars, which a pipe never shows. */
import { progress } from '../../lib/cli/terminal';

const { stderr } = process;
const { isTTY } = stderr;
afterEach(() => {
  stderr.isTTY = isTTY;
  jest.restoreAllMocks();
});

async function shown(terminal: boolean): Promise<string> {
  stderr.isTTY = terminal;
  let text = '';
  jest.spyOn(stderr, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  const bar = await progress('inputs', 2);
  bar.step();
  bar.step();
  bar.stop();
  return text;
}

test('a bar on a terminal', async () => {
  expect(await shown(true)).toMatch(/inputs .*0\/2/);
});

test('nothing elsewhere', async () => {
  expect(await shown(false)).toBe('');
});
