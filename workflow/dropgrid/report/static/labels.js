// The labels of sections, in the order of the records (records/model.py; a test compares the two).

export const LABELS = ["intro", "buildup", "main", "drop", "breakdown", "outro"];
export const DROP = LABELS.indexOf("drop");
