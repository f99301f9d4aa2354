/** An instance in the form that Eureka's JSON has, whatever it came in; what is not known stays in it. */
export type RawInstance = Readonly<Record<string, unknown>>;

/** An application: the instances that registered under one name. */
export interface RawApplication {
  /** Upper case, as servers write it. */
  readonly name: string;
  readonly instances: readonly RawInstance[];
}

/** The answer to a question for a list, whole or delta. */
export interface ApplicationsDocument {
  readonly kind: "applications";
  /** `versions__delta`; `""` where there is none. */
  readonly version: string;
  /** `apps__hashcode`; undefined where there is none. */
  readonly hashcode: string | undefined;
  readonly applications: readonly RawApplication[];
}

/** What the bodies of Eureka's REST interface hold. */
export type EurekaDocument =
  | ApplicationsDocument
  | { readonly kind: "application"; readonly application: RawApplication }
  | { readonly kind: "instance"; readonly instance: RawInstance };

/** How a document is written. */
export type EurekaFormat = "json" | "xml";
