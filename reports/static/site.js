// What pages do beside htmx: a picture kept as PNG, a file read into a field. Everything else works without it.
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

// A file that was chosen is read into the field that it could have been pasted into.
document.addEventListener("change", async (event) => {
  const into = event.target.dataset ? document.getElementById(event.target.dataset.into || "") : null;
  const file = event.target.files && event.target.files[0];
  if (into && file && file.size <= into.maxLength) into.value = await file.text();
});
