// Keys: / for the search field, g and a letter for a page, ? for the list of them.
"use strict";

const keys = document.getElementById("keys-dialog");
for (const link of document.querySelectorAll("nav [data-key]")) link.title += ` (g ${link.dataset.key})`;
let leading; // g was pressed, until then

function typing(element) {
	return element.isContentEditable || element.matches("input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select");
}

document.addEventListener("keydown", (event) => {
	if (event.key === "Escape") return fold();
	if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented || typing(event.target)) return;
	if (document.querySelector("dialog[open]")) return;
	const led = leading > Date.now();
	leading = 0;
	if (led) {
		const target = document.querySelector(`.side [data-key="${CSS.escape(event.key.toLowerCase())}"]`);
		if (!target) return;
		event.preventDefault();
		if (target.matches("summary")) unfold(target);
		else target.click();
	} else if (event.key === "g") {
		leading = Date.now() + 1500;
	} else if (event.key === "/") {
		event.preventDefault();
		const field = document.querySelector("main input[type=search]");
		if (!field) return location.assign("/xero/invoices#q"); // the field has the focus there
		field.focus();
		field.select();
	} else if (event.key === "?" && keys) {
		event.preventDefault();
		keys.showModal();
	}
});

// The organisation switcher is a list that closes when its person turns away.
function unfold(summary) {
	summary.parentElement.open = true;
	(summary.parentElement.querySelector("button[aria-current]") ?? summary.parentElement.querySelector("button")).focus();
}

function fold() {
	const open = document.querySelector(".switcher details[open]");
	if (!open) return;
	if (open.contains(document.activeElement)) open.querySelector("summary").focus();
	open.open = false;
}

document.addEventListener("click", (event) => {
	if (!event.target.closest(".switcher")) fold();
});

document.addEventListener("keydown", (event) => {
	const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
	const form = event.target.closest(".switcher details > form");
	if (!step || !form) return;
	event.preventDefault();
	const all = [...form.querySelectorAll("button, a")];
	all.at((all.indexOf(event.target) + step) % all.length).focus();
});
