// What a person can do about a track that could not be analysed.

/** @type {[RegExp, string][]} */
const ADVICE = [
  [/memory/i, "Close other programs or run with fewer cores, then run dropgrid retry."],
  [/not done within|time limit|timed? ?out|too long/i, "Run dropgrid retry while the machine has less to do."],
  [/permission|denied/i, "Allow yourself to read the file, then run again."],
  [/no such file|not found|gone|no longer/i, "The file has moved or gone. Run again: moved files are recognised."],
  [/no audio|known format|not a file of music|no header/i, "This is no music that can be read. Remove it from the folder, or leave it out by the option exclude."],
  [/damaged|cut short|lost sync|corrupt|invalid data/i, "The file is damaged. Get it again from where you bought or ripped it; the next run analyses the new one."],
  [/silen|empty|too short|nothing to/i, "There is too little sound in it to analyse. Leave it out by the option exclude."],
];

/** Advice for a failure: [stage, type, message]. */
export function whatToDo([, type, message]) {
  const found = ADVICE.find(([sign]) => sign.test(`${type} ${message}`));
  return found ? found[1] : "Run dropgrid retry. If it fails again, please report it with the line of the log.";
}
