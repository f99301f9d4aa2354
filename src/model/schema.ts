/** What the types of a service's calls are, as far as somebody published them: what a translation between protocols goes by. */

/** The types of one interface's calls; what nobody said is missing. */
export interface ServiceSchema {
  /** The Java interface, or the full name of the gRPC service; one schema stands for all groups and versions. */
  readonly name: string;
  /** From Dubbo's metadata report. */
  readonly java?: JavaDefinition;
  /** A FileDescriptorSet, base64, that holds the gRPC service `name` and all that it needs. */
  readonly protobuf?: string;
  /** Its calls can be made as REST calls, as a rule says. */
  readonly rest?: RestMapping;
  /** What the REST service itself publishes of its requests; what `rest` says counts before it. */
  readonly published?: PublishedRest;
}

/** A Java interface as Dubbo's ServiceDefinition has it. Types are named as in Java's source, inner classes with `$`: `long[]`, `java.util.List<com.acme.Order$Line>`. */
export interface JavaDefinition {
  readonly methods: readonly JavaMethod[];
  /** By name, the classes that the methods use. */
  readonly types: Readonly<Record<string, JavaType>>;
}

/** One method; overloads are entries of their own. */
export interface JavaMethod {
  readonly name: string;
  readonly parameterTypes: readonly string[];
  readonly returnType: string;
  /** As long as `parameterTypes` where the publisher says them. */
  readonly parameterNames?: readonly string[];
}

/** A class: its properties with their types, or an enum's constants. */
export interface JavaType {
  readonly properties?: Readonly<Record<string, string>>;
  readonly enums?: readonly string[];
}

/** How an interface's calls are made as REST calls. */
export interface RestMapping {
  readonly methods: readonly RestMethod[];
  /** Classes that the methods use, beside those that the metadata knows. */
  readonly types: Readonly<Record<string, JavaType>>;
  /** Dates in requests: ISO-8601 text, or milliseconds since 1970. */
  readonly dates: "iso" | "ms";
  /** Where the service publishes methods beside those; absent where the mapping has them all. */
  readonly openapi?: OpenapiPairing;
}

/** Which OpenAPI document describes an interface's requests, and what the document cannot know. */
export interface OpenapiPairing {
  /** Where the service's endpoints answer with it. */
  readonly path: string;
  /** A file that has it, in place of `path`; as the rule names it. */
  readonly file?: string;
  /** Before each of the document's paths; absent: what its first server's URL says. */
  readonly basePath?: string;
  /** Only operations with this tag count; absent: all. */
  readonly tag?: string;
  /** The Java package of classes that the document names without one. */
  readonly package: string;
  /** Java types by the name of a schema, or by `Schema.property`. */
  readonly classes: Readonly<Record<string, string>>;
  /** What is said by hand of published methods. */
  readonly methods: readonly PublishedMethod[];
}

/** What a rule says of a method whose request is published. */
export interface PublishedMethod
  extends Pick<RestMethod, "name" | "parameterTypes" | "returnType" | "notFound" | "exceptions"> {
  /** The document's operationId. */
  readonly operation: string;
}

/** What an OpenAPI document says of an interface's requests. */
export interface PublishedRest {
  readonly methods: readonly RestMethod[];
  /** Classes as the document describes them; metadata and rules know better. */
  readonly types: Readonly<Record<string, JavaType>>;
}

/** One method of a REST mapping; overloads are entries of their own. */
export interface RestMethod {
  readonly name: string;
  /** `GET` and the like. */
  readonly verb: string;
  /** A template: `/orders/{id}`. */
  readonly path: string;
  /** Absent where the metadata says them, or the count of the parameters is enough to tell the method. */
  readonly parameterTypes?: readonly string[];
  /** Absent where the metadata says it; with neither, the JSON decides. */
  readonly returnType?: string;
  /** One for each of Java's parameters, in their order. */
  readonly parameters: readonly RestParameter[];
  /** What the status 404 is to the caller. */
  readonly notFound: "null" | "exception";
  /** Exception classes by HTTP status; under `default` the one for all others. */
  readonly exceptions: Readonly<Record<string, string>>;
  /** What a document in another language than Java lets one expect; what is said in Java's words counts before it. */
  readonly likely?: LikelyTypes;
}

/** Types that stand to reason: Java's may be boxed, or another class of the same JSON, and a body may stand before other parameters. */
export interface LikelyTypes {
  /** As long as the method's parameters, in their order. */
  readonly parameterTypes: readonly string[];
  /** `void` where the service answers nothing. */
  readonly returnType: string;
  /** How many of the last parameters, a body aside, a request may do without; absent for none. */
  readonly optional?: number;
}

/** Where an argument stands in the request. */
export interface RestParameter {
  readonly name: string;
  readonly in: "path" | "query" | "header" | "body";
}
