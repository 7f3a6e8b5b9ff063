/** The frame of the page. */
import { escapeHtml } from '../html';
import { SCRIPT } from './script';
import { STYLE } from './style';

export interface Section {
  id: string;
  title: string;
  /** HTML. */
  body: string;
}

export interface Page {
  title: string;
  /** Plain text below the title. */
  lead: string;
  facts: readonly (readonly [label: string, value: string])[];
  sections: readonly Section[];
  footer: string;
}

/** Nothing may be loaded from anywhere. */
const POLICY =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** A whole HTML document; all but the sections' bodies is text. */
export function pageHtml({ title, lead, facts, sections, footer }: Page): string {
  const links = sections.map(
    ({ id, title: name }) => `<li><a href="#${id}">${escapeHtml(name)}</a></li>`,
  );
  const boxes = facts.map(
    ([label, value]) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd></div>`,
  );
  const bodies = sections.map(
    ({ id, title: name, body }) =>
      `<section id="${id}" aria-labelledby="${id}-title">\n<h2 id="${id}-title">${escapeHtml(name)}</h2>\n${body}\n</section>`,
  );
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<link rel="icon" href="data:,">
<style>${STYLE}</style>
</head>
<body>
<header class="wide">
<h1>${escapeHtml(title)}</h1>
<p class="lead">${escapeHtml(lead)}</p>
<dl class="facts">${boxes.join('')}</dl>
</header>
<nav aria-label="Sections"><ul class="wide">${links.join('')}</ul></nav>
<main class="wide">
${bodies.join('\n')}
</main>
<footer class="wide">${escapeHtml(footer)}</footer>
<script>${SCRIPT}</script>
</body>
</html>
`;
}
