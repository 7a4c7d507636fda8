// Two runs side by side, in step to the frame: one clock draws both canvases. Frames come as JPEG files, each after its
// length in four bytes. What an answer is worth is decided by the server; this page only shows and asks.

const FPS = 10;
const HELD = 10; // frames for which the last picture stays before both begin anew
const SPEEDS = [0.25, 0.5, 1, 2, 4];
const NAME = "jumppad annotator";
const $ = (id) => document.getElementById(id);

const episodes = new Map(); // number of an episode -> promise of its pictures
let shows = []; // what is to be answered, the first one now
let current = null; // { show, left, right, frames, since }
let clock = { frame: 0, from: 0, began: 0, playing: true, speed: 1, plays: 1 };
let busy = false;
let hiddenSince = 0;
let rollouts = ""; // names the dataset
let me = localStorage.getItem(NAME) ?? "";

async function ask(path, body) {
  const options = body && { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, options).catch(() => {
    throw new Error("The server does not answer");
  });
  if (!response.ok) throw new Error((await response.text()).slice(0, 300) || response.statusText);
  return response;
}

function say(text, isError = false) {
  $("status").textContent = text;
  $("status").classList.toggle("error", isError);
}

async function load(episode) {
  const bytes = await (await ask(`/api/episode/${rollouts}/${episode}`)).arrayBuffer();
  const view = new DataView(bytes);
  const pictures = [];
  for (let at = 0; at < bytes.byteLength; ) {
    const length = view.getUint32(at, true);
    pictures.push(createImageBitmap(new Blob([bytes.slice(at + 4, at + 4 + length)], { type: "image/jpeg" })));
    at += 4 + length;
  }
  return Promise.all(pictures);
}

function pictures(episode) {
  if (!episodes.has(episode)) {
    const loading = load(episode);
    episodes.set(episode, loading);
    loading.catch(() => episodes.delete(episode)); // so that the next try asks again
  }
  return episodes.get(episode);
}

function forgetOthers() {
  const wanted = new Set(shows.flatMap((show) => [show.left, show.right]));
  for (const [episode, loading] of episodes) {
    if (wanted.has(episode)) continue;
    episodes.delete(episode);
    loading.then((bitmaps) => bitmaps.forEach((bitmap) => bitmap.close()), () => {});
  }
}

// --- the clock -------------------------------------------------------------------------------------------------

function seek(frame) {
  clock.from = frame;
  clock.began = performance.now();
}

function setPlaying(playing) {
  seek(clock.frame);
  clock.playing = playing;
  $("pause").textContent = playing ? "Pause" : "Play";
}

function tick(now) {
  requestAnimationFrame(tick);
  if (!current) return;
  if (clock.playing) {
    const length = current.frames + HELD;
    const passed = clock.from + Math.floor(((now - clock.began) / 1000) * FPS * clock.speed);
    if (passed >= length) {
      clock.plays += Math.floor(passed / length);
      seek(0);
    }
    clock.frame = Math.min(Math.max(passed % length, 0), current.frames - 1);
  }
  draw();
}

function draw() {
  for (const side of ["left", "right"]) {
    const canvas = $(side);
    const frame = Math.min(clock.frame, current[side].length - 1);
    const key = `${current.show.id} ${frame}`;
    if (canvas.dataset.drawn === key) continue;
    canvas.getContext("2d").drawImage(current[side][frame], 0, 0, canvas.width, canvas.height);
    canvas.dataset.drawn = key;
    canvas.dataset.frame = clock.frame;
  }
  if ($("time").value !== String(clock.frame)) $("time").value = clock.frame;
}

// --- questions and answers ---------------------------------------------------------------------------------------

function take(answered) {
  shows = answered.shows;
  const { mine, goal, minute, all } = answered.progress;
  $("bar").max = goal;
  $("bar").value = Math.min(all, goal);
  const rate = minute ? `, ${minute.toFixed(1)} a minute` : "";
  const wait = minute ? Math.ceil((goal - all) / minute) : 0;
  const left = wait > 0 ? `, about ${wait} minute${wait === 1 ? "" : "s"} left at this rate` : "";
  $("count").textContent =
    `${all} of ${goal} answers${all === mine ? "" : `, ${mine} of them yours`}${rate}${all >= goal ? ". That is enough; more are welcome." : left}`;
  $("progress").hidden = false;
  showRound(answered.progress.round);
}

function showRound(said) {
  $("round").textContent = said;
  $("round").hidden = !said;
}

async function present() {
  const [show, ...ahead] = shows;
  const loading = Promise.all([pictures(show.left), pictures(show.right)]);
  const said = $("status").textContent;
  const slow = setTimeout(() => say("Drawing the runs …"), 200);
  const [left, right] = await loading.finally(() => clearTimeout(slow));
  say(said);
  current = { show, left, right, frames: Math.max(left.length, right.length), since: performance.now() };
  $("time").max = current.frames - 1;
  clock = { ...clock, frame: 0, plays: 1, playing: !matchMedia("(prefers-reduced-motion: reduce)").matches };
  seek(0);
  setPlaying(clock.playing);
  draw();
  for (const side of ["left", "right"]) $(side).dataset.episode = show[side];
  document.body.dataset.show = show.id;
  for (const next of ahead) for (const episode of [next.left, next.right]) pictures(episode).catch(() => {});
  forgetOthers();
}

async function during(work) {
  if (busy) return;
  busy = true;
  try {
    await work();
  } catch (error) {
    say(`${error.message || error}. Nothing is lost: try again, or reload the page; a server that was started again printed a new address.`, true);
  } finally {
    busy = false;
  }
}

const answer = (what) =>
  during(async () => {
    if (!current) return present(); // after an error
    const seconds = (performance.now() - current.since) / 1000;
    const body = { annotator: me, show: current.show.id, answer: what, seconds, plays: clock.plays };
    take(await (await ask("/api/answer", body)).json());
    current = null; // it is answered, whatever happens to the next one
    say({ left: "You chose the left run.", right: "You chose the right run.", equal: "Equally good.", unsure: "Noted.", skip: "Skipped." }[what]);
    await present();
    refresh();
  });

const undo = () =>
  during(async () => {
    const found = await (await ask("/api/undo", { annotator: me })).json();
    take(found);
    current = null;
    say(found.undone ? "Taken back: this pair once more." : "There is nothing to take back.");
    await present();
  });

const actions = {
  undo,
  replay: () => {
    clock.plays += 1;
    clock.frame = 0;
    setPlaying(true);
  },
  pause: () => setPlaying(!clock.playing),
  step: () => move(1),
  back: () => move(-1),
  slower: () => pace(-1),
  faster: () => pace(1),
};

function move(steps) {
  setPlaying(false);
  clock.frame = Math.min(Math.max(clock.frame + steps, 0), current.frames - 1);
  draw();
}

function pace(steps) {
  const index = Math.min(Math.max(SPEEDS.indexOf(clock.speed) + steps, 0), SPEEDS.length - 1);
  seek(clock.frame);
  clock.speed = SPEEDS[index];
  $("speed").textContent = `${clock.speed}×`;
}

const KEYS = {
  ArrowLeft: () => answer("left"),
  ArrowRight: () => answer("right"),
  ArrowDown: () => answer("equal"),
  c: () => answer("unsure"),
  s: () => answer("skip"),
  Backspace: undo,
  r: () => act("replay"),
  " ": () => act("pause"),
  ",": () => act("back"),
  ".": () => act("step"),
  "-": () => act("slower"),
  "+": () => act("faster"),
};

function act(name) {
  if (current || name === "undo") actions[name]();
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !me || $("compare").hidden) return;
  const typing = event.target.closest?.("#enter") || (event.target.id === "time" && event.key.startsWith("Arrow"));
  const pressing = event.target.closest?.("button, summary") && event.key === " ";
  const does = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (typing || pressing || !does) return;
  event.preventDefault();
  does();
});

for (const button of document.querySelectorAll("[data-answer]"))
  button.addEventListener("click", () => answer(button.dataset.answer));
for (const button of document.querySelectorAll("[data-do]"))
  button.addEventListener("click", () => act(button.dataset.do));
$("time").addEventListener("input", () => current && move(Number($("time").value) - clock.frame));
$("time").addEventListener("pointerup", () => $("time").blur()); // so that arrows answer again
document.addEventListener("visibilitychange", () => {
  if (!current) return;
  if (document.hidden) setPlaying(false);
  else current.since += performance.now() - Math.max(current.since, hiddenSince); // is no time on the answer
  hiddenSince = performance.now();
});

// --- how far answers can be trusted ------------------------------------------------------------------------------

const percent = (found) =>
  found
    ? `${Math.round(100 * found.share)}% of ${found.of} (95%: ${found.ci95.map((end) => Math.round(100 * end)).join(" to ")}%)`
    : "not asked yet";

function rows(panel) {
  const { trust, reward, reached } = panel;
  const lines = [];
  if (reached.length)
    lines.push(["The agent", `goes there in ${reached.map((share) => `${Math.round(100 * share)}%`).join(", then ")} of its runs`]);
  if (reward?.accuracy !== undefined)
    lines.push([
      "Reward model",
      `${percent({ share: reward.accuracy, of: reward.held_out, ci95: reward.ci95 })} of held-out pairs right, from ${reward.train} comparisons`,
    ]);
  else lines.push(["Reward model", reward?.waits ?? "none is trained: the page was begun without an agent"]);
  lines.push(["The same pair again", percent(trust.consistent)]);
  if (trust.golden) lines.push(["Pairs with a known answer", percent(trust.golden)]);
  if (trust.synthetic) lines.push(["All pairs, by the known target", percent(trust.synthetic)]);
  const p = trust.sides.p;
  const taste = p === null ? "" : p < 0.05 ? `: a preference for one side (p = ${p.toPrecision(2)})` : `: no preference for one (p = ${p.toPrecision(2)})`;
  lines.push(["Sides", `${trust.sides.left} left, ${trust.sides.right} right${taste}`]);
  if (trust.alpha !== null) lines.push(["Between people", `Krippendorff’s alpha ${trust.alpha.toFixed(2)}`]);
  for (const [people, kappa] of Object.entries(trust.kappas)) lines.push([people, `Cohen’s kappa ${kappa.toFixed(2)}`]);
  return lines;
}

async function refresh() {
  const open = $("panel").open;
  if (!me || document.hidden || !(open || $("round").textContent)) return;
  try {
    const panel = await (await ask(open ? "/api/panel" : "/api/round")).json();
    showRound(panel.round);
    if (!open) return;
    $("trust").replaceChildren(
      ...rows(panel).flatMap(([term, text]) =>
        [["dt", term], ["dd", text]].map(([tag, words]) => {
          const element = document.createElement(tag);
          element.textContent = words;
          return element;
        }),
      ),
    );
  } catch {
    // the next look will tell
  }
}

$("panel").addEventListener("toggle", refresh);
$("panel").firstElementChild.addEventListener("pointerup", (event) => event.target.blur()); // so that space plays again
setInterval(refresh, 3000);

// --- who answers -------------------------------------------------------------------------------------------------

async function begin() {
  await during(async () => {
    const about = await (await ask("/api/about")).json();
    $("question").textContent = document.title = about.question;
    $("seen").textContent = about.seen;
    rollouts = about.rollouts;
    $("enter").hidden = Boolean(me);
    if (!me) return $("name").focus();
    try {
      take(await (await ask("/api/next", { annotator: me })).json());
    } catch (error) {
      me = "";
      $("enter").hidden = false;
      throw error;
    }
    localStorage.setItem(NAME, me);
    $("who").textContent = me;
    $("compare").hidden = false;
    say("");
    await present();
  });
}

$("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  me = $("name").value.trim();
  if (me) begin();
});
$("leave").addEventListener("click", () => {
  localStorage.removeItem(NAME);
  location.reload();
});

requestAnimationFrame(tick);
begin();
