/** What Kubernetes allows in names and labels (apimachinery validation, DNS-1123), as pure checks. */

const LABEL_TEXT = /^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$/;

/** One DNS-1123 label: at most 63 of `a-z0-9-`, no dash at either end. */
export function isDnsLabel(text: string): boolean {
  return text.length <= 63 && /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(text);
}

/** A DNS-1123 subdomain of at most 253 characters: what objects may be called. */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && text.split(".").every(isDnsLabel);
}

/** A label's or annotation's key: `[prefix/]name`, the name of at most 63 characters. */
export function isLabelKey(text: string): boolean {
  const slash = text.indexOf("/");
  const name = slash < 0 ? text : text.slice(slash + 1);
  return (slash < 0 || isDnsSubdomain(text.slice(0, slash))) && name.length <= 63 && LABEL_TEXT.test(name);
}

/** A label's value: empty, or at most 63 characters that start and end with a letter or digit. */
export function isLabelValue(text: string): boolean {
  return text === "" || (text.length <= 63 && LABEL_TEXT.test(text));
}
