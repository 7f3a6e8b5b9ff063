/** Reads XML, strictly enough to find what a parser would refuse. */
export interface Element {
  name: string;
  attributes: Record<string, string>;
  children: Element[];
  /** Of the element itself, without its children's. */
  text: string;
}

const TOKEN = /<(\/?)([A-Za-z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/y;
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"' };

function unescape(text: string): string {
  if (/&(?!(?:amp|lt|gt|quot);)/.test(text)) throw new Error(`an entity is wrong in ${text}`);
  return text.replace(/&(\w+);/g, (_, name: string) => ENTITIES[name]);
}

export function parseXml(xml: string): Element {
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const open = [root];
  for (let at = 0; at < xml.length;) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(xml);
    if (match === null) throw new Error(`not XML: ${xml.slice(at, at + 80)}`);
    at = TOKEN.lastIndex;
    const [, closing, name, attributes, empty, text] = match;
    const parent = open[open.length - 1];
    if (text !== undefined) parent.text += unescape(text);
    else if (closing) {
      if (open.pop()!.name !== name) throw new Error(`</${name}> closes what is not open`);
    } else {
      const element: Element = { name, attributes: {}, children: [], text: '' };
      for (const [, key, value] of attributes.matchAll(/([\w:-]+)="([^"]*)"/g)) {
        if (key in element.attributes) throw new Error(`${key} is there twice in <${name}>`);
        element.attributes[key] = unescape(value);
      }
      parent.children.push(element);
      if (!empty) open.push(element);
    }
  }
  if (open.length > 1) throw new Error(`<${open[open.length - 1].name}> is not closed`);
  if (root.children.length !== 1 || root.text.trim() !== '') throw new Error('not one root');
  return root.children[0];
}

/** All elements of that name, at any depth, in order. */
export function elements(element: Element, name: string): Element[] {
  return element.children.flatMap((child) => [
    ...(child.name === name ? [child] : []),
    ...elements(child, name),
  ]);
}
