// The labels of sections, in the order of the records (records/model.py; a test compares them).

export const LABELS = ["intro", "buildup", "drop", "breakdown", "main", "outro"];
export const DROP = LABELS.indexOf("drop");
