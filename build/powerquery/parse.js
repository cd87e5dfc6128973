// Parses the files that are named, and fails with what is wrong with the first that
// is no Power Query.
"use strict";
const fs = require("fs");
const { DefaultSettings, TaskUtils } = require("@microsoft/powerquery-parser");

(async () => {
	for (const file of process.argv.slice(2)) {
		const parsed = await TaskUtils.tryLexParse(DefaultSettings, fs.readFileSync(file, "utf8"));
		if (parsed.resultKind !== "Ok") {
			console.error(`${file}: ${parsed.error.message}`);
			process.exit(1);
		}
	}
})();
