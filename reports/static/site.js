// What pages do beside htmx: a picture kept as PNG. Everything else works without it.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-png]");
  if (!button) return;
  const drawn = document.querySelector(`[data-picture="${button.dataset.png}"] svg`);
  if (!drawn) return;
  const box = drawn.viewBox.baseVal;
  const text = new XMLSerializer().serializeToString(drawn);
  const image = new Image();
  image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(text);
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = box.width * 2;
  canvas.height = box.height * 2;
  const painter = canvas.getContext("2d");
  painter.fillStyle = "#ffffff";
  painter.fillRect(0, 0, canvas.width, canvas.height);
  painter.drawImage(image, 0, 0, canvas.width, canvas.height);
  const link = document.createElement("a");
  link.download = `fenhao-${button.dataset.png}.png`;
  link.href = canvas.toDataURL("image/png");
  link.click();
});
