// Advice about tracks that could not be analysed.

/** @type {[RegExp, string][]} */
const ADVICE = [
  [/memory/i, "Close other programs or run with fewer cores, then run dropgrid retry."],
  [/not done within|time limit|timed? ?out|too long/i, "Run dropgrid retry when the computer is less busy."],
  [/permission|denied/i, "Give yourself permission to read the file, then run dropgrid again."],
  [/no such file|not found|gone|no longer/i, "The file was moved or deleted. Run dropgrid again: it recognises moved files."],
  [/no audio|known format|no header/i, "dropgrid cannot read this file as music. Remove it from the folder, or exclude it with the option exclude."],
  [/damaged|cut short|lost sync|corrupt|invalid data/i, "The file is damaged. Download or rip it again; the next run analyses the new file."],
  [/silen|empty|too short|nothing to/i, "The file has too little sound to analyse. Exclude it with the option exclude."],
];

/** Advice for a failure: [stage, type, message]. */
export function whatToDo([, type, message]) {
  const match = ADVICE.find(([pattern]) => pattern.test(`${type} ${message}`));
  return match ? match[1] : "Run dropgrid retry. If it fails again, please report it with the line from the log.";
}
