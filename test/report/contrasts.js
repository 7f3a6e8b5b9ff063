/* global document, getComputedStyle, SVGElement */
/** Runs in a page: how much each visible text stands out from what is behind it, as WCAG counts. */
(() => {
  const rgba = (color) => (color.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (color) => {
    const [r, g, b] = color.map((value) => {
      const share = value / 255;
      return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const box = element.parentElement?.querySelector(':scope > rect.box:not(.port,.under)');
    if (element instanceof SVGElement && box) return rgba(getComputedStyle(box).fill);
    for (let node = element; node; node = node.parentElement) {
      const color = rgba(getComputedStyle(node).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const texts =
    'h1,h2,h3,p,dt,dd,th,td,a:not(.diagram a),li,summary,span,figcaption,.diagram text,footer';
  return [...document.querySelectorAll(texts)]
    .filter((element) => element.textContent.trim() !== '' && element.getClientRects().length > 0)
    .map((element) => {
      const style = getComputedStyle(element);
      const text = rgba(element instanceof SVGElement ? style.fill : style.color);
      const [low, high] = [text, behind(element)]
        .map((color) => luminance(color.slice(0, 3)))
        .sort((a, b) => a - b);
      return { text: element.textContent.slice(0, 40), ratio: (high + 0.05) / (low + 0.05) };
    });
})();
