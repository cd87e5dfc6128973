// The pages work without these files. With them they repaint when something changes,
// addresses can be copied by a button, and keys open pages.
"use strict";

// The code of a sign-in that failed does not stay in the address bar.
if (location.pathname === "/callback") history.replaceState(null, "", "/");

// Buttons that need this file are hidden until it is there.
function offerCopies() {
	if (!navigator.clipboard) return;
	for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
}
document.addEventListener("click", async (event) => {
	const button = event.target.closest("button[data-copy]");
	if (!button) return;
	const from = document.getElementById(button.dataset.copy);
	await navigator.clipboard.writeText(from.value ?? from.textContent);
	const label = button.textContent;
	button.textContent = document.body.dataset.copied;
	setTimeout(() => { button.textContent = label; }, 2000);
});
offerCopies();

// The server draws every state. When it tells of another one, the parts that show
// it are changed into those of a fresh copy of this page.
const gone = document.getElementById("gone");
let events, shown, silent;

function listen() {
	if (events || document.hidden) return;
	events = new EventSource("/events");
	events.addEventListener("status", (event) => {
		const missed = silent !== undefined;
		clearTimeout(silent);
		silent = undefined;
		gone.hidden = true;
		if (missed || shown !== undefined && shown !== event.data) repaint();
		shown = event.data;
	});
	events.addEventListener("figures", repaint);
	events.addEventListener("approvals", repaint);
	events.addEventListener("tick", repaint);
	events.addEventListener("error", () => {
		silent ??= setTimeout(() => { gone.hidden = false; }, 1200); // a restart is not worth a word
		if (events.readyState === EventSource.CLOSED) {
			stop();
			setTimeout(again, 1000);
		}
	});
}

// The stream was refused: FCC has gone, or no longer knows this browser. Loading
// the page tells which, and starts a new session where a visit may.
async function again() {
	try {
		const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
		if (!answer.ok) return location.reload();
		listen();
	} catch {
		setTimeout(again, 1000);
	}
}

// A browser opens six connections to one host: hidden pages leave theirs, and look
// again when they are seen.
function stop() {
	if (events) events.close();
	events = undefined;
}

let painting, onceMore;

async function repaint() {
	onceMore = painting;
	if (painting) return;
	painting = true;
	try {
		const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
		if (answer.ok && !answer.redirected) paint(new DOMParser().parseFromString(await answer.text(), "text/html"));
	} catch {
		// FCC has gone: the stream tells.
	}
	painting = false;
	if (onceMore) repaint();
}

function paint(fresh) {
	for (const part of document.querySelectorAll("[data-live]")) {
		const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
		if (next) become(part, next);
	}
	become(document.documentElement, fresh.documentElement, true);
	offerCopies();
}

// become changes what differs and leaves the rest, so that focus, scrolling, what was
// typed and what is unfolded stay.
function become(is, next, shallow) {
	for (const { name } of [...is.attributes]) {
		if (name !== "open" && !next.hasAttribute(name)) is.removeAttribute(name);
	}
	for (const { name, value } of next.attributes) {
		if (name !== "open" && is.getAttribute(name) !== value) is.setAttribute(name, value);
	}
	if (shallow || is.isEqualNode(next)) return;
	const old = [...is.childNodes], all = [...next.childNodes];
	all.forEach((node, i) => {
		const was = old[i];
		if (!was) is.append(node);
		else if (was.nodeName !== node.nodeName || was.id !== node.id) was.replaceWith(node);
		else if (was.nodeType === Node.ELEMENT_NODE) become(was, node);
		else if (was.data !== node.data) was.data = node.data;
	});
	for (const node of old.slice(all.length)) node.remove();
}

if (gone) {
	document.addEventListener("visibilitychange", () => {
		if (document.hidden) return stop();
		listen();
		repaint();
	});
	addEventListener("pagehide", stop);
	listen();
}
