// The page only shows what it is told and says what the wearer says; it decides nothing.
// Everybody's words become text nodes, never markup.

const RATE = 16000; // Hz, what speech recognisers are trained on
const LONGEST_WAIT = 4000; // ms between two tries to connect
const MARKS = { model: "◇", quote: "❝" };
const SPOKEN = { model: "the model:", quote: "quote:", notice: "" };
const OWN_WORDS = /\s*…$/; // of "type …" in a hint: there the wearer's own words go
const ASIDE = /\s*\(.*\)$/; // of "next (2)": not to be said

const at = (id) => document.getElementById(id);
const [lens, rows, hint, chat, box, button] =
  ["lens", "rows", "hint", "chat", "utterance", "microphone"].map(at);

let socket;
let wait = 250;
let shown; // the thread on the phone, as JSON
let lines; // the rows on the glass, as JSON
let sound; // what the open microphone must close again
let asking = false; // the browser asks the wearer whether the page may have it

function make(tag, name, ...children) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  node.append(...children);
  return node;
}

function words(tag, name, text) {
  const node = make(tag, name, text);
  node.dir = "auto";
  return node;
}

// Out

function say(text) {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify({ say: text }));
  return true;
}

function choice(node, text) {
  node.type = "button";
  node.dataset.say = text;
  return node;
}

document.addEventListener("click", (event) => {
  const text = event.target.closest?.("[data-say]")?.dataset.say;
  if (text === undefined) return;
  if (OWN_WORDS.test(text)) {
    box.value = text.replace(OWN_WORDS, " ");
    box.focus();
  } else {
    say(text);
  }
});

at("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = box.value.trim();
  if (text && say(text)) box.value = "";
});

document.addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  const writing = document.activeElement === box;
  if (event.key === "Escape") {
    box.value = "";
    say("cancel");
  } else if (event.key === "Enter" && document.activeElement === document.body) {
    event.preventDefault();
    box.focus();
  } else if (/^[1-9]$/.test(event.key) && !(writing && box.value) && !event.repeat) {
    if (!lens.querySelector(`[data-say="${event.key}"]`)) return;
    event.preventDefault();
    say(event.key);
  }
});

// In

function drawRow({ text, mark, label }) {
  const pickable = /^[1-9]$/.test(label);
  const node = pickable ? choice(make("button", `row ${mark}`), label) : make("p", `row ${mark}`);
  if (pickable) node.append(make("span", "key", label));
  else if (label) node.append(make("span", "label", label));
  if (MARKS[mark]) {
    const sign = make("span", "mark", MARKS[mark]);
    sign.ariaHidden = "true";
    node.append(sign, make("span", "unseen", SPOKEN[mark]));
  }
  node.append(words("span", "text", text));
  return make("li", "", node);
}

function drawLens(scene) {
  const held = lens.contains(document.activeElement) && document.activeElement.dataset.say;
  const json = JSON.stringify(scene.rows);
  const told = [scene.title];
  lens.dataset.tier = scene.tier;
  at("title").textContent = scene.title;
  if (json !== lines) { // a countdown changes the title only
    lines = json;
    rows.replaceChildren(...scene.rows.map(drawRow));
    told.push(...scene.rows.map((row) => `${row.label} ${SPOKEN[row.mark]} ${row.text}`));
  }
  const parts = scene.hint.split(",").map((part) => part.trim())
    .filter((part) => part && !rows.querySelector(`[data-say="${CSS.escape(part)}"]`));
  hint.replaceChildren(...parts.map((part) =>
    choice(words("button", "", part), part.replace(ASIDE, ""))));
  if (held) (lens.querySelector(`[data-say="${CSS.escape(held)}"]`) ?? box).focus();
  at("spoken").textContent = told.map(sentence).join(" ").trim();
}

// As a screen reader should read it: with a pause behind it.
function sentence(text) {
  const words = text.trim().replace(/\s+/g, " ");
  return /[\p{L}\p{N}]$/u.test(words) ? `${words}.` : words;
}

function day(date) {
  const style = { weekday: "short", day: "numeric", month: "short", year: "numeric" };
  return new Date(`${date}T12:00`).toLocaleDateString("en-GB", style);
}

function bubble(message) {
  const node = make("li", "bubble");
  node.classList.toggle("mine", message.mine);
  node.classList.toggle("new", message.new);
  node.append(words("span", "words", message.text));
  if (message.time) node.append(" ", make("time", "", message.time));
  return node;
}

function drawChat(thread) {
  const json = JSON.stringify(thread);
  if (json === shown) return; // the wearer may have scrolled
  shown = json;
  const name = thread?.title ?? "No conversation";
  at("chat-name").textContent = name;
  const first = new Intl.Segmenter().segment(name)[Symbol.iterator]().next().value?.segment;
  at("initial").textContent = thread ? first : "";
  const list = make("ol", "");
  list.role = "list";
  if (thread?.earlier) {
    list.append(make("li", "between", `${thread.earlier} earlier messages`));
  }
  let before = {};
  for (const message of thread?.messages ?? []) {
    if (message.date && message.date !== before.date) {
      list.append(make("li", "between", day(message.date)));
      before = { date: message.date, new: before.new };
    }
    if (message.new && !list.querySelector(".news")) {
      list.append(make("li", "between news", "New"));
      before = { date: before.date };
    }
    if (message.sender !== before.sender) {
      const unseen = message.mine || !thread.is_group ? " unseen" : "";
      list.append(words("li", `sender${unseen}`, message.mine ? "me" : message.sender));
    }
    const node = bubble(message);
    node.classList.toggle("turn", before.sender !== undefined && before.mine !== message.mine);
    list.append(node);
    before = { ...message, date: message.date ?? before.date };
  }
  chat.replaceChildren(list);
  chat.scrollTop = chat.scrollHeight;
  const news = list.querySelector(".news");
  if (news && list.lastChild.offsetTop - news.offsetTop > chat.clientHeight) news.scrollIntoView();
}

function draw({ number, audio, scene }) {
  drawLens(scene);
  drawChat(scene.thread);
  allowMicrophone(audio);
  socket.send(JSON.stringify({ drawn: number }));
}

// The microphone

function allowMicrophone(taken) {
  const why = !taken ? "Nothing listens yet: Sidelong runs without voice."
    : !navigator.mediaDevices ? "The browser lends its microphone only to pages of this machine."
    : "";
  button.disabled = Boolean(why);
  button.title = why || "Speak";
  if (why) hush();
}

async function listen() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  const context = new AudioContext({ sampleRate: RATE });
  sound = { stream, context };
  await context.audioWorklet.addModule("microphone.js");
  const microphone = new AudioWorkletNode(context, "microphone", { numberOfOutputs: 0 });
  microphone.port.onmessage = ({ data }) => {
    if (sound && socket.readyState === WebSocket.OPEN) socket.send(data);
  };
  context.createMediaStreamSource(stream).connect(microphone);
  button.ariaPressed = "true";
  tell("Live");
}

function hush() {
  if (!sound) return;
  for (const track of sound.stream.getTracks()) track.stop();
  sound.context.close();
  sound = undefined;
  button.ariaPressed = "false";
  if (socket.readyState === WebSocket.OPEN) socket.send(new ArrayBuffer(0));
}

button.addEventListener("click", async () => {
  if (sound) return hush();
  if (asking) return;
  asking = true;
  try {
    await listen();
  } catch (error) {
    hush();
    tell(`The microphone can’t be used: ${error.message}`);
  }
  asking = false;
});

// The connection

function tell(text, state = document.body.dataset.state) {
  document.body.dataset.state = state;
  at("state").textContent = text;
}

function connect() {
  const address = new URL("live", location.href);
  address.protocol = "ws:";
  socket = new WebSocket(address);
  socket.onopen = () => {
    wait = 250;
    tell("Live", "live");
  };
  socket.onmessage = ({ data }) => draw(JSON.parse(data));
  socket.onclose = ({ code }) => {
    hush();
    allowMicrophone(false);
    if (code === 1001) {
      // Closed by Sidelong itself: nothing of it stays to be read.
      drawLens({ tier: "glance", title: "", hint: "", rows: [] });
      drawChat(null);
      tell("Sidelong has stopped", "stopped");
    } else if (document.body.dataset.state !== "stopped") {
      tell("No connection. Trying again…", "lost");
    }
    setTimeout(connect, wait);
    wait = Math.min(2 * wait, LONGEST_WAIT);
  };
}

connect();
box.focus({ preventScroll: true });
