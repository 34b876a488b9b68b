// The page of tfcomgan-play. It asks its own server and nobody else.

const at = (id) => document.getElementById(id);
const about = await (await fetch("/about")).json();

async function ask(path, body, isPicture = false) {
  let answer;
  try {
    answer = await fetch(path, { method: "POST", body });
  } catch {
    throw new Error("No answer: is the command still running?");
  }
  if (answer.ok) return isPicture ? answer.blob() : answer.json();
  const text = await answer.text();
  let sentence = text;
  try {
    sentence = JSON.parse(text).error;
  } catch { /* The guard's answers are plain. */ }
  throw Object.assign(new Error(sentence), { status: answer.status });
}

// Runs `work` again and again while asked, one at a time: of what came meanwhile the
// last alone counts.
function following(work, told) {
  let isBusy = false, isAsked = false;
  return async () => {
    isAsked = true;
    if (isBusy) return;
    isBusy = true;
    while (isAsked) {
      isAsked = false;
      try {
        await work();
        tell(told, "");
      } catch (error) {
        tell(told, error.message, true);
      }
    }
    isBusy = false;
  };
}

function tell(id, text, isBad = false) {
  at(id).textContent = text;
  at(id).classList.toggle("bad", isBad);
}

function save(address, name) {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}

// Scenes: an object and a ground; while they are one scene, they share z.

const scene = { object: null, ground: null, isOne: true };

function ground() {
  if (!scene.isOne) return scene.ground;
  return { ...scene.object, code: scene.ground.code };
}

const random = (end) => Math.floor(Math.random() * end);

function another() {
  const codes = about.scenes.codes;
  return {
    seed: random(2 ** 31),
    moves: Array(about.scenes.moves).fill(0),
    code: codes ? random(codes) : null,
  };
}

const paint = following(async () => {
  const start = performance.now();
  const body = JSON.stringify({ object: scene.object, ground: ground() });
  const layers = await ask("/scene", body);
  at("composite").src = layers.composite;
  for (const name of ["mask", "foreground", "background"])
    at(`layer-${name}`).src = layers[name];
  for (const link of document.querySelectorAll("[data-layer]")) {
    link.href = layers[link.dataset.layer];
    link.download = `scene-${link.dataset.layer}.png`;
  }
  at("took").textContent = `in ${Math.round(performance.now() - start)} ms`;
}, "scene-told");

function showSliders() {
  const { object } = scene;
  at("seed").value = object.seed;
  object.moves.forEach((move, i) => { at(`move-${i}`).value = move; });
  at("f").value = object.code ?? 0;
  at("b").value = scene.ground.code ?? 0;
  at("one-scene").disabled = scene.isOne;
  showNumbers();
}

function showNumbers() {
  scene.object.moves.forEach((move, i) => {
    at(`move-${i}-told`).textContent = move.toFixed(1);
  });
  at("f-told").textContent = scene.object.code;
  at("b-told").textContent = scene.ground.code;
}

function changed() {
  showNumbers();
  paint();
  if (at("ground").value === "painted") cut();
}

function makeMove(i) {
  const label = document.createElement("label");
  const told = document.createElement("output");
  const slider = document.createElement("input");
  told.id = `move-${i}-told`;
  Object.assign(slider, {
    id: `move-${i}`, type: "range", step: 0.1, value: 0,
    min: -about.scenes.most, max: about.scenes.most,
  });
  slider.addEventListener("input", () => {
    scene.object.moves[i] = Number(slider.value);
    changed();
  });
  label.append(`Shape and pose ${i + 1}, z `, told, slider);
  at("moves").append(label);
}

function startScenes() {
  const { codes, moves, size } = about.scenes;
  at("scenes").hidden = false;
  at("size").textContent = size;
  for (let i = 0; i < moves; i++) makeMove(i);
  const first = { seed: 0, moves: Array(moves).fill(0), code: codes ? 0 : null };
  scene.object = first;
  scene.ground = structuredClone(first);
  for (const row of document.querySelectorAll(".codes")) row.hidden = !codes;
  for (const id of ["f", "b"]) at(id).max = Math.max(0, codes - 1);
  at("f").addEventListener("input", () => {
    scene.object.code = Number(at("f").value);
    changed();
  });
  at("b").addEventListener("input", () => {
    scene.ground.code = Number(at("b").value);
    changed();
  });
  const seeded = (seed) => {
    scene.object.seed = Math.min(Math.max(0, Math.trunc(seed) || 0), 2 ** 31 - 1);
    showSliders();
    changed();
  };
  at("seed").addEventListener("change", () => seeded(Number(at("seed").value)));
  at("draw").addEventListener("click", () => seeded(random(10000)));
  at("keep-object").addEventListener("click", () => {
    Object.assign(scene, { ground: another(), isOne: false });
    showSliders();
    changed();
  });
  at("keep-ground").addEventListener("click", () => {
    Object.assign(scene, { ground: structuredClone(ground()), object: another(), isOne: false });
    showSliders();
    changed();
  });
  at("one-scene").addEventListener("click", () => {
    scene.isOne = true;
    showSliders();
    changed();
  });
  at("moving").addEventListener("submit", (event) => event.preventDefault());
  showSliders();
  paint();
}

// Photos: the files stay here, the server keeps them for a while under a name.

let photo = null;

async function send(taken) {
  if (taken.file.size > about.most_bytes)
    throw new Error(`It has more than ${Math.floor(about.most_bytes / 2 ** 20)} MiB.`);
  const kept = await ask("/photos", taken.file);
  taken.sent = kept.photo;
  taken.note = kept.note;
}

async function askOf(taken, path, fields, isPicture) {
  const asked = () => ask(path, JSON.stringify({ ...fields, photo: taken.sent }), isPicture);
  try {
    return await asked();
  } catch (error) {
    if (error.status !== 410) throw error;
    await send(taken);
    return asked();
  }
}

function choices() {
  const chosen = at("ground").value;
  const fields = {
    refine: at("refine").value,
    threshold: at("hard").checked ? Number(at("threshold").value) : null,
    average: at("average").checked,
    invert: at("invert").checked,
  };
  if (chosen === "painted") return { ...fields, ground: ground() };
  return { ...fields, colour: chosen === "other" ? at("colour").value : chosen };
}

const cut = following(async () => {
  const taken = photo;
  if (!taken) return;
  at("cut").classList.add("waiting");
  try {
    const answer = await askOf(taken, "/cut", choices());
    if (taken !== photo) return;
    at("photo").src = taken.address;
    for (const name of ["mask", "cutout", "composed"]) at(name).src = answer[name];
    at("share").textContent = `${(100 * answer.share).toFixed(1)} %`;
    at("cut").hidden = false;
  } finally {
    at("cut").classList.remove("waiting");
  }
}, "cut-told");

function choose(taken) {
  photo = taken;
  for (const button of at("strip").children)
    button.setAttribute("aria-pressed", button === taken.button);
  cut();
}

async function take(files) {
  const refused = [];
  const notes = [];
  if (!files.length) refused.push("No file came: save the picture first, then drop that.");
  for (const file of files) {
    const taken = { file, address: URL.createObjectURL(file) };
    const name = file.name || "The picture";
    tell("told", `${name} ...`);
    try {
      await send(taken);
    } catch (error) {
      URL.revokeObjectURL(taken.address);
      refused.push(`${name}: ${error.message}`);
      continue;
    }
    if (taken.note) notes.push(`${name}: ${taken.note}`);
    const image = Object.assign(new Image(), { src: taken.address, alt: name });
    taken.button = Object.assign(document.createElement("button"), { type: "button", title: name });
    taken.button.append(image);
    taken.button.addEventListener("click", () => choose(taken));
    at("strip").append(taken.button);
    choose(taken);
  }
  tell("told", [...refused, ...notes].join(" "), refused.length > 0);
}

function startPhotos() {
  at("photos").hidden = false;
  for (const name of about.refine) at("refine").append(new Option(name, name));
  if (!about.scenes) at("ground").querySelector("[value=painted]").remove();
  at("file").addEventListener("change", () => {
    take([...at("file").files]);
    at("file").value = "";
  });
  addEventListener("dragover", (event) => {
    event.preventDefault();
    at("drop").classList.add("over");
  });
  addEventListener("dragleave", () => at("drop").classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    at("drop").classList.remove("over");
    take([...event.dataTransfer.files]);
  });
  addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) take([...event.clipboardData.files]);
  });
  at("cutting").addEventListener("submit", (event) => event.preventDefault());
  at("cutting").addEventListener("input", () => {
    at("threshold").disabled = !at("hard").checked;
    at("threshold-told").textContent = Number(at("threshold").value).toFixed(2);
    at("colour-row").hidden = at("ground").value !== "other";
    cut();
  });
  for (const button of document.querySelectorAll("[data-save]"))
    button.addEventListener("click", () => download(button));
}

async function download(button) {
  const what = button.dataset.save, taken = photo;
  button.disabled = true;
  try {
    const blob = await askOf(taken, "/save", { ...choices(), what }, true);
    const stem = (taken.file.name || "picture").replace(/\.[^.]*$/, "");
    const address = URL.createObjectURL(blob);
    save(address, `${stem}-${what}.png`);
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  } catch (error) {
    tell("cut-told", error.message, true);
  }
  button.disabled = false;
}

at("name").textContent = about.name;
document.querySelector("main").classList.toggle("half", !about.refine || !about.scenes);
if (about.scenes) startScenes();
if (about.refine) startPhotos();
document.documentElement.dataset.ready = "";
