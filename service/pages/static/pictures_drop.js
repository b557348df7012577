// Photographs dragged in, picked or pasted: taken one after the other, each with its progress and its reason.

const drop = document.getElementById("drop");
const uploads = document.getElementById("uploads");
const files = document.getElementById("photos");
const shelf = document.getElementById("shelf");
const token = drop.querySelector("[name=csrf]").value;
const MOST = (Number(drop.dataset.most) || 32) * 1024 * 1024;
const RETRIES = 4; // after a lost connection, each later than the one before

const queue = [];
let isBusy = false;
let taken = 0;

function row(file, into) {
  const item = document.createElement("li");
  item.className = "upload";
  const name = document.createElement("span");
  name.className = "upload-name";
  name.textContent = file.name || "Pasted picture";
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `${name.textContent}: share that is sent`);
  const said = document.createElement("span");
  said.className = "upload-said";
  said.textContent = into ? "for another view" : "waits";
  item.append(name, bar, said);
  uploads.append(item);
  return { item, bar, said };
}

function finish(line, tone, text) {
  line.item.classList.add(tone);
  line.bar.remove();
  line.said.textContent = text;
  if (tone === "good") setTimeout(() => line.item.remove(), 6000);
}

function button(line, text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "small";
  made.textContent = text;
  made.addEventListener("click", () => { made.remove(); act(); });
  line.item.append(made);
}

// --- taking -----------------------------------------------------------------------------------------------------------

function add(list, into = drop.dataset.product || "") {
  for (const file of list) {
    const line = row(file, into);
    if (!file.size) finish(line, "bad", "The file is empty.");
    else if (file.size > MOST) finish(line, "bad", `${Math.ceil(file.size / 1048576)} MB is more than the ${MOST / 1048576} MB that are taken.`);
    else if (file.type && !file.type.startsWith("image/")) finish(line, "bad", "This is no picture. Send JPEG, PNG or WebP.");
    else queue.push({ file, into, line, tries: 0 });
  }
  work();
}

async function work() {
  if (isBusy) return;
  isBusy = true;
  while (queue.length) await take(queue.shift());
  isBusy = false;
  if (taken && "reload" in drop.dataset) location.reload();
}

async function take(job) {
  const { line, file } = job;
  line.said.textContent = "being sent";
  try {
    const [answer] = await send(job);
    if (answer.problem) { finish(line, "bad", answer.problem); return; }
    taken += 1;
    finish(line, "good", answer.note || (answer.is_new ? `is now “${answer.title}”` : `belongs to “${answer.title}”`));
    await show(answer.product);
  } catch (error) {
    if (error.isFinal) { finish(line, "bad", error.message); return; }
    job.tries += 1;
    if (job.tries > RETRIES) {
      line.said.textContent = "The connection was lost. Nothing was changed.";
      button(line, "Try again", () => { job.tries = 0; queue.push(job); work(); });
      return;
    }
    line.said.textContent = `The connection was lost; trying again (${job.tries} of ${RETRIES})`;
    await new Promise((done) => { setTimeout(done, 800 * 2 ** job.tries); });
    queue.unshift(job);
  }
}

function send({ file, into, line }) {
  const form = new FormData();
  form.append("photos", file, file.name || "pasted.png");
  form.append("product", into);
  const request = new XMLHttpRequest(); // fetch does not tell how much is sent
  return new Promise((done, failed) => {
    request.open("POST", "/pictures/upload");
    request.setRequestHeader("X-CSRF-Token", token);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) line.bar.value = event.loaded / event.total; });
    request.upload.addEventListener("load", () => { line.said.textContent = "being looked at"; });
    request.addEventListener("load", () => {
      const isJson = (request.getResponseHeader("content-type") || "").includes("json");
      if (request.status === 200 && isJson) { done(JSON.parse(request.responseText)); return; }
      if (request.status >= 500) { failed(new Error("busy")); return; }
      const texts = { 401: "You were signed out. Sign in again.", 403: "This page is out of date. Load it again.", 413: "The file is too large." };
      failed(Object.assign(new Error(texts[request.status] ?? "It could not be taken. Load the page again and retry."), { isFinal: true }));
    });
    request.addEventListener("error", () => failed(new Error("offline")));
    request.send(form);
  });
}

async function show(id) { // the product's tile, new or as it is now
  if (!shelf) return;
  document.getElementById("shelf-section").hidden = false;
  drop.classList.remove("big");
  const answer = await fetch(`/pictures/products/${encodeURIComponent(id)}/tile`).catch(() => null);
  if (!answer?.ok) return;
  const holder = document.createElement("template");
  holder.innerHTML = (await answer.text()).trim();
  const fresh = holder.content.firstElementChild;
  const old = document.getElementById(fresh.id);
  if (old) old.replaceWith(fresh); else shelf.prepend(fresh);
  htmx.process(fresh);
}

addEventListener("beforeunload", (event) => { if (isBusy && !("reload" in drop.dataset && !queue.length)) event.preventDefault(); });

// --- ways in ----------------------------------------------------------------------------------------------------------

files.addEventListener("change", () => { add([...files.files]); files.value = ""; });
drop.addEventListener("submit", (event) => event.preventDefault());
const holdsFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
const target = (event) => event.target.closest?.(".tile");

let depth = 0;
document.addEventListener("dragenter", (event) => { if (holdsFiles(event)) { depth += 1; document.body.classList.add("dragging"); } });
document.addEventListener("dragleave", (event) => { if (holdsFiles(event) && --depth <= 0) leave(); });
document.addEventListener("dragover", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  document.querySelectorAll(".tile.over").forEach((tile) => { if (tile !== target(event)) tile.classList.remove("over"); });
  target(event)?.classList.add("over");
});
document.addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  const into = target(event)?.dataset.product;
  leave();
  add([...event.dataTransfer.files], into);
});
function leave() {
  depth = 0;
  document.body.classList.remove("dragging");
  document.querySelectorAll(".tile.over").forEach((tile) => tile.classList.remove("over"));
}
document.addEventListener("paste", (event) => {
  const found = [...(event.clipboardData?.files ?? [])];
  if (found.length) { event.preventDefault(); add(found); }
});

// --- chosen products --------------------------------------------------------------------------------------------------

const tray = document.getElementById("chosen");
if (tray) {
  const boxes = () => [...document.querySelectorAll("#shelf input[name=product]")];
  const count = () => {
    const n = boxes().filter((box) => box.checked).length;
    tray.hidden = !n;
    tray.querySelector(".tray-said").textContent = n === 1 ? "1 product chosen" : `${n} products chosen`;
  };
  document.addEventListener("change", (event) => { if (event.target.matches("#shelf input[name=product]")) count(); });
  tray.querySelector("[data-clear]").addEventListener("click", () => { boxes().forEach((box) => { box.checked = false; }); count(); });
  document.addEventListener("click", (event) => { if (event.target.closest("[data-ticks='#shelf']")) setTimeout(count); });
  addEventListener("pageshow", count);
  let kept = new Set();
  document.addEventListener("htmx:beforeSwap", () => { kept = new Set(boxes().filter((box) => box.checked).map((box) => box.value)); });
  document.addEventListener("htmx:afterSettle", () => { boxes().forEach((box) => { if (kept.has(box.value)) box.checked = true; }); count(); });

  const news = document.getElementById("shelf-news");
  document.addEventListener("htmx:configRequest", (event) => { // ask only for what is still being cut out
    if (event.target === news) event.detail.parameters.set("pending", "");
    if (event.target !== news) return;
    event.detail.parameters.delete("pending");
    document.querySelectorAll("#shelf [name=pending]").forEach((box) => event.detail.parameters.append("pending", box.value));
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target === news && (document.hidden || !document.querySelector("#shelf [name=pending]"))) event.preventDefault();
  });
}
