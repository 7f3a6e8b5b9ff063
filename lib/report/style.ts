/** The page's style: one column on a phone, the reader's colour scheme, nothing from elsewhere. */

const LIGHT = `--page:#f6f7f9;--surface:#fff;--text:#1c2330;--muted:#556074;--line:#d8dde6;--accent:#1f5fd0;--bar:#4a7fe0;--track:#e9edf4;
--conv:#dde9ff;--conv-line:#6f97da;--pool:#d6f1e7;--pool-line:#4fa684;--dense:#ebe1ff;--dense-line:#9677d6;--join:#ffeccb;--join-line:#c98f27;--norm:#eceff4;--norm-line:#97a2b5;--group:#fff;--group-line:#556074`;
const DARK = `--page:#11151c;--surface:#191f29;--text:#e5e9f0;--muted:#a0abbd;--line:#333d4c;--accent:#8ab6ff;--bar:#6b9cf5;--track:#262f3d;
--conv:#20365e;--conv-line:#5f8bd3;--pool:#173f34;--pool-line:#46987a;--dense:#362a5a;--dense-line:#9479d2;--join:#4a3814;--join-line:#bf8b2c;--norm:#283140;--norm-line:#6f7c92;--group:#1f2733;--group-line:#8894a8`;

export const STYLE = `:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:break-word}
a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.wide{max-width:1320px;margin:0 auto;padding:0 20px}
header.wide{padding-top:34px}
footer.wide{padding-top:6px;padding-bottom:40px}
h1{font-size:1.9rem;line-height:1.2;margin:0 0 4px}
h2{font-size:1.3rem;margin:0 0 8px}
h3{font-size:1rem;margin:22px 0 8px}
p{margin:0 0 14px}
.muted,.note{color:var(--muted)}
.note{font-size:.9rem;margin:8px 0 0}
.lead{color:var(--muted);margin:0 0 16px}
dl.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:12px;margin:20px 0 0}
dl.facts div{background:var(--surface);border:1px solid var(--line);border-radius:10px;padding:10px 14px}
dl.facts dt{color:var(--muted);font-size:.85rem}
dl.facts dd{margin:0;font-weight:650;font-size:1.08rem;font-variant-numeric:tabular-nums}
nav{position:sticky;top:0;z-index:2;background:var(--page);border-bottom:1px solid var(--line);margin-top:18px}
nav ul{display:flex;gap:20px;list-style:none;margin:0 auto;overflow-x:auto;padding-top:10px;padding-bottom:10px;white-space:nowrap}
nav a{text-decoration:none;font-size:.95rem}
nav a:hover{text-decoration:underline}
section{background:var(--surface);border:1px solid var(--line);border-radius:14px;padding:22px;margin:20px 0;scroll-margin-top:60px}
.scroll{overflow:auto;max-width:100%;-webkit-overflow-scrolling:touch}
.pair{display:grid;grid-template-columns:auto minmax(0,1fr);gap:28px;align-items:start}
.pair>*{min-width:0}
figure{margin:0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,500px),1fr));gap:28px 24px}
.figures>*{min-width:0}
figcaption{color:var(--muted);font-size:.9rem;margin-top:6px}
figure>figcaption:first-child{margin:0 0 8px;color:var(--text);font-size:1rem}
.picture{display:block;width:260px;max-width:100%;height:auto;border:1px solid var(--line);border-radius:8px;image-rendering:pixelated}
.picture.smooth{image-rendering:auto}
.scroll>svg{display:block}
.maps .background{fill:var(--surface)!important}
table.bars{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
table.bars th,table.bars td{padding:5px 12px 5px 0;text-align:left;vertical-align:middle;border-bottom:1px solid var(--line)}
table.bars thead th{font-size:.85rem;color:var(--muted);font-weight:600;white-space:nowrap}
table.bars tbody th{font-weight:600}
table.bars tr:last-child>*{border-bottom:0}
table.bars .number{text-align:right;white-space:nowrap}
table.bars .what{display:block;font-weight:400;color:var(--muted);font-size:.88rem}
.bar{display:block;height:10px;min-width:90px;border-radius:5px;background:var(--track);overflow:hidden}
.bar i{display:block;height:100%;min-width:2px;border-radius:5px;background:var(--bar)}
ul.legend{list-style:none;display:flex;flex-wrap:wrap;gap:6px 18px;margin:0 0 14px;padding:0;color:var(--muted);font-size:.88rem}
.swatch{display:inline-block;width:13px;height:13px;border-radius:4px;border:1.5px solid;margin-right:7px;vertical-align:-2px}
.swatch.time{height:4px;width:18px;border:0;border-radius:2px;background:var(--bar);vertical-align:3px}
.graph.split{display:grid;grid-template-columns:var(--overview) minmax(0,1fr);gap:24px;align-items:start}
.graph.split .modules h3{margin-top:0}
.inner{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:12px;align-items:start}
.inner>*{min-width:0;margin:0}
.diagram-box{border:1px solid var(--line);border-radius:10px;background:var(--page)}
.overview .diagram-box{max-height:min(1500px,180vh)}
.diagram-box>svg{margin:0 auto}
#summary .nnconv-scroll{max-height:85vh;overflow:auto;border:1px solid var(--line);border-radius:10px}
#summary thead th{position:sticky;top:0;background:var(--surface);z-index:1}
details{border:1px solid var(--line);border-radius:10px;margin:8px 0}
details>summary{padding:9px 14px;cursor:pointer}
details[open]>summary{border-bottom:1px solid var(--line)}
details>div{padding:10px;scroll-margin-top:110px}
.diagram text{font:11.5px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--muted);text-anchor:middle}
.diagram text.title{font-size:12.5px;font-weight:650;fill:var(--text)}
.diagram .conv~text,.diagram .pool~text,.diagram .dense~text,.diagram .join~text,.diagram .norm~text,.diagram .shape~text{fill:var(--text)}
.diagram text.caption{text-anchor:start;font-weight:600}
.diagram a:hover rect.box,.diagram a:focus rect.box{stroke:var(--accent)}
.diagram a text.title{fill:var(--accent);text-decoration:underline}
.box{stroke-width:1.3}
.box.conv{fill:var(--conv);stroke:var(--conv-line)}.swatch.conv{background:var(--conv);border-color:var(--conv-line)}
.box.pool{fill:var(--pool);stroke:var(--pool-line)}.swatch.pool{background:var(--pool);border-color:var(--pool-line)}
.box.dense{fill:var(--dense);stroke:var(--dense-line)}.swatch.dense{background:var(--dense);border-color:var(--dense-line)}
.box.join{fill:var(--join);stroke:var(--join-line)}.swatch.join{background:var(--join);border-color:var(--join-line)}
.box.norm,.box.shape{fill:var(--norm);stroke:var(--norm-line)}.swatch.norm,.swatch.shape{background:var(--norm);border-color:var(--norm-line)}
.box.group{fill:var(--group);stroke:var(--group-line)}.swatch.group{background:var(--group);border-color:var(--group-line)}
.box.port{fill:none;stroke:var(--muted);stroke-dasharray:4 3}
.cluster{fill:none;stroke:var(--line);stroke-width:1.3;stroke-dasharray:2 3}
.edge{fill:none;stroke:var(--muted);stroke-width:1.3}
.head{fill:var(--muted)}
rect.time{fill:var(--bar)}
footer{color:var(--muted);font-size:.88rem}
@media (max-width:900px){.graph.split{grid-template-columns:minmax(0,1fr)}}
@media (max-width:640px){.wide{padding:0 12px}header.wide{padding-top:22px}h1{font-size:1.5rem}section{padding:16px 14px;border-radius:12px;margin:14px 0}
.pair{grid-template-columns:minmax(0,1fr);gap:18px}dl.facts{grid-template-columns:1fr 1fr;gap:8px}dl.facts dd{font-size:1rem}table.bars th,table.bars td{padding-right:8px;font-size:.93rem}.bar{min-width:44px}.algorithm{display:none}}
@media print{nav,button{display:none}section{break-inside:avoid-page;border:0;padding:0}}`;
