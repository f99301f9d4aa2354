/** The annotation by which a policy is only tried. */
export const DRY_RUN = "istio.io/dry-run";

// Istio reads it as Go's strconv.ParseBool does.
const TRUE = /^(?:1|t|T|TRUE|true|True)$/;
const FALSE = /^(?:0|f|F|FALSE|false|False)$/;

/** Whether a policy with these annotations is only tried. */
export function isTrial(annotations: Readonly<Record<string, string>> | null | undefined): boolean {
  return TRUE.test(annotations?.[DRY_RUN] ?? "");
}

/** Whether the annotation's value says that a policy is tried, or that it is not. */
export function isTrialValue(value: string): boolean {
  return TRUE.test(value) || FALSE.test(value);
}
