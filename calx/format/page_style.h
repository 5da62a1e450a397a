// How a report page looks, in light, in dark and on paper.
#pragma once

#include <string_view>

namespace calx::format {

// The six series colours keep apart for the common kinds of colour blindness (after Okabe and Ito).
inline constexpr std::string_view kPageStyle = R"css(
:root{color-scheme:light dark;--paper:#fbfbf9;--card:#fff;--ink:#1d2125;--soft:#5d666f;
--line:#e2e3de;
--accent:#0b63b0;--pass:#157a43;--fail:#b3261e;--open:#8a5a00;
--series-0:#0072b2;--series-1:#d55e00;--series-2:#009e73;--series-3:#b3589a;--series-4:#a67c00;
--series-5:#4a4a4a}
@media(prefers-color-scheme:dark){:root{--paper:#14171a;--card:#1b1f23;--ink:#e6e8ea;
--soft:#9aa4ad;--line:#2e343a;
--accent:#6db3f2;--pass:#5ec78b;--fail:#ff8a80;--open:#f0b849;
--series-0:#56b4e9;--series-1:#ff9149;--series-2:#2fc79b;--series-3:#e39acb;--series-4:#f0d442;
--series-5:#c4c9ce}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.6 system-ui,-apple-system,
"Segoe UI",Roboto,sans-serif}
main{max-width:62rem;margin:0 auto;padding:3rem 1.25rem 4rem}
header{margin-bottom:2.25rem;padding-bottom:1.25rem;border-bottom:1px solid var(--line)}
h1{margin:0;font-size:clamp(1.6rem,4vw,2.3rem);line-height:1.2;letter-spacing:-.02em;
font-weight:650}
header p{margin:.5rem 0 0;color:var(--soft);font-size:1.05rem}
h2{margin:2.5rem 0 .75rem;font-size:1.2rem;letter-spacing:-.01em;font-weight:620}
p{max-width:44rem;margin:.75rem 0}
a{color:var(--accent)}
pre,code,dd,.mono{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"Liberation Mono",monospace;
font-size:.85rem}
pre{overflow:auto;padding:1rem 1.1rem;background:var(--card);border:1px solid var(--line);
border-radius:10px;line-height:1.5}
dl{display:grid;grid-template-columns:minmax(8rem,max-content) 1fr;gap:.35rem 1.5rem;margin:1rem 0;
padding:1rem 1.1rem;
background:var(--card);border:1px solid var(--line);border-radius:10px}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere;align-self:center}
.wide{overflow-x:auto;margin:1rem 0;background:var(--card);border:1px solid var(--line);
border-radius:10px}
table{border-collapse:collapse;width:100%;font-size:.93rem;font-variant-numeric:tabular-nums}
th,td{padding:.5rem .9rem;text-align:left;vertical-align:top;border-top:1px solid var(--line)}
thead th,table>tbody:first-child>tr:first-child>td{border-top:0}
thead th{color:var(--soft);font-weight:560}
.n{text-align:right;white-space:nowrap}
.checks td:first-child{width:1%}.checks td:nth-child(2){white-space:nowrap}
.mark{display:inline-block;padding:.05rem .6rem;border:1px solid currentColor;border-radius:99px;
font-size:.75rem;
font-weight:650;letter-spacing:.03em;white-space:nowrap}
.pass{color:var(--pass)}.fail{color:var(--fail)}.open{color:var(--open)}
.detail{overflow-wrap:anywhere;color:var(--soft)}
.gallery{display:grid;gap:1rem;margin:1rem 0}
figure{margin:0;padding:.6rem;background:var(--card);border:1px solid var(--line);
border-radius:10px;min-width:0}
figure img{display:block;width:100%;height:auto;border-radius:6px}
figure img.hard{image-rendering:pixelated}
figcaption{margin-top:.5rem;font-size:.8rem;line-height:1.45;color:var(--soft);
overflow-wrap:anywhere}
figcaption b{display:block;color:var(--ink);font-weight:600}
.chart{padding:1rem 1.1rem;margin:1rem 0}
.chart h3{margin:0 0 .5rem;font-size:1rem;font-weight:600}
svg{display:block;width:100%;height:auto}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--soft)}
.grid{stroke:var(--line)}.axis{stroke:var(--soft)}
.series path{fill:none;stroke:var(--c);stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}
.series circle{fill:var(--c)}
.legend{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:.5rem 0 0;padding:0;list-style:none;
font-size:.85rem;color:var(--soft)}
.legend i{display:inline-block;width:1.1rem;height:0;margin-right:.45rem;
border-top:3px solid var(--c);vertical-align:middle}
.legend .dash i{border-top-style:dashed}
@media(max-width:34rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.5rem}}
@media print{body{background:#fff}main{padding:0;max-width:none}figure,pre,.chart,dl,
tr{break-inside:avoid}}
)css";

}  // namespace calx::format
