// The prefix of the panel's paths, where a proxy serves the panel below a path.

export const ROOT = document.body.dataset.root ?? "";
