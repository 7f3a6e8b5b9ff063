import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

const { checkLinks, markdown } = require('../../scripts/check-links.js') as {
  checkLinks: (root: string, files: string[]) => string[];
  markdown: (root: string) => string[];
};

describe('scripts/check-links.js', () => {
  const root = path.join(__dirname, '..', '..');

  test('every relative link in the Markdown leads somewhere', () => {
    const files = markdown(root);
    expect(files).toContain('README.md');
    expect(files).toContain('docs/architecture.md');
    expect(checkLinks(root, files)).toEqual([]);
  });

  test('names what leads nowhere', () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'nnconv-links-'));
    try {
      fs.mkdirSync(path.join(folder, 'docs'));
      fs.writeFileSync(
        path.join(folder, 'docs', 'a.md'),
        '# A `b` (c): d\n\n# Twice\n\n# Twice\n\n```sh\n# No heading\n```\n',
      );
      fs.writeFileSync(
        path.join(folder, 'x.md'),
        '[a](docs/a.md) [b](docs/a.md#a-b-c-d) [c](docs/a.md#twice-1) [d](https://x.y/z)\n' +
          '[e](docs/b.md) [f](docs/a.md#no-heading) ![g](g.png) [h](#none)\n`[i](i.md)`\n',
      );
      expect(checkLinks(folder, ['x.md', 'docs/a.md'])).toEqual([
        'x.md: there is no docs/b.md',
        'x.md: docs/a.md has no heading #no-heading',
        'x.md: there is no g.png',
        'x.md: x.md has no heading #none',
      ]);
    } finally {
      fs.rmSync(folder, { recursive: true, force: true });
    }
  });
});
