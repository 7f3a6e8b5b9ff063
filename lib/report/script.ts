/** The page's script: a link into a closed module opens it, and one button opens all. Nothing needs it. */
export const SCRIPT = `(function () {
  function reveal() {
    var target = location.hash && document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (var node = target; node; node = node.parentElement) if (node.tagName === 'DETAILS') node.open = true;
    target.scrollIntoView();
  }
  addEventListener('hashchange', reveal);
  document.addEventListener('click', function (event) {
    var link = event.target.closest && event.target.closest('a[href^="#module-"]');
    if (link && link.getAttribute('href') === location.hash) reveal();
  });
  reveal();
  addEventListener('beforeprint', function () {
    document.querySelectorAll('details').forEach(function (item) { item.open = true; });
  });
})();`;
