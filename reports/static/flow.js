// Draws the page's flow picture with plotly, in place of the still one, where the window is wide enough for its labels.
"use strict";

const place = document.getElementById("interactive");
const { data, layout } = JSON.parse(document.getElementById("figure").textContent);
const wide = matchMedia("(min-width: 1100px)");

function draw() {
  document.querySelector(".flow .wide").hidden = wide.matches;
  place.hidden = !wide.matches;
  if (wide.matches) Plotly.newPlot(place, data, layout, { displaylogo: false, displayModeBar: false, responsive: true });
}

wide.addEventListener("change", draw);
draw();
