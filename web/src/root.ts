// What stands before the panel's own paths, where a proxy has it below one.

export const ROOT = document.body.dataset.root ?? "";
