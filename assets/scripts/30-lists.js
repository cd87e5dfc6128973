// What is under way and tells nobody of its steps is looked at every second.
"use strict";

setInterval(() => {
	if (!document.hidden && document.querySelector("[data-busy]")) repaint();
}, 1000);
