// Draws the page's flow picture with plotly in place of the still one, which is there at once, where the window is wide
// enough for its labels. Plotly is large, and fetched only then.
"use strict";

const place = document.getElementById("interactive");
const still = document.querySelector(".flow .wide");
const { data, layout } = JSON.parse(document.getElementById("figure").textContent);
const wide = matchMedia("(min-width: 1100px)");

function draw() {
  still.hidden = wide.matches;
  place.hidden = !wide.matches;
  if (wide.matches) Plotly.newPlot(place, data, layout, { displaylogo: false, displayModeBar: false, responsive: true });
}

function fetched() {
  if (window.Plotly) return draw();
  if (!wide.matches) return;
  const script = document.createElement("script");
  script.src = place.dataset.plotly;
  script.onload = draw;
  document.head.append(script);
}

wide.addEventListener("change", fetched);
fetched();
