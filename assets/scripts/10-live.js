// The pages work without this file. With it they repaint when the state changes,
// and addresses can be copied by a button.
"use strict";

// The code of a sign-in that failed does not stay in the address bar.
if (location.pathname === "/callback") history.replaceState(null, "", "/");

for (const button of document.querySelectorAll("button[data-copy]")) {
	if (!navigator.clipboard) break;
	button.hidden = false;
	button.addEventListener("click", async () => {
		await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
		const label = button.textContent;
		button.textContent = "Copied";
		setTimeout(() => { button.textContent = label; }, 2000);
	});
}

// The server draws every state. When it tells of another one, the parts that show
// it are taken from a fresh copy of this page.
const gone = document.getElementById("gone");
let events, shown, silent;

function listen() {
	if (events || document.hidden) return;
	events = new EventSource("/events");
	events.addEventListener("status", (event) => {
		clearTimeout(silent);
		silent = undefined;
		gone.hidden = true;
		if (shown !== undefined && shown !== event.data) repaint();
		shown = event.data;
	});
	events.addEventListener("error", () => {
		silent ??= setTimeout(() => { gone.hidden = false; }, 2000); // a restart is not worth a word
		if (events.readyState === EventSource.CLOSED) {
			stop();
			setTimeout(again, 3000);
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
		setTimeout(again, 3000);
	}
}

// A browser opens six connections to one host: hidden pages leave theirs.
function stop() {
	if (events) events.close();
	events = undefined;
}

async function repaint() {
	const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
	if (!answer.ok || answer.redirected) return;
	const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
	for (const part of document.querySelectorAll("[data-live]")) {
		const next = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
		if (next && !part.contains(document.activeElement) && next.outerHTML !== part.outerHTML) part.replaceWith(next);
	}
}

if (gone) {
	document.addEventListener("visibilitychange", () => document.hidden ? stop() : listen());
	addEventListener("pagehide", stop);
	listen();
}
