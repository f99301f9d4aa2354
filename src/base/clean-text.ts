/** A text with its control characters shown as `?`: what a peer says must not write to the terminal. */
export function cleanText(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");
}

/** The first line of a text, {@link cleanText}. */
export function firstLine(text: string): string {
  return cleanText(text.split(/[\r\n]/, 1)[0]!.trimEnd());
}
