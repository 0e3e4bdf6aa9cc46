/**
 * HyperPyYAML (https://github.com/speechbrain/HyperPyYAML) as data: `!new:`, `!name:`, `!apply:` and `!module:` become
 * records that name a Python path and its arguments, `!ref <key>` is looked up. Nothing is imported or called.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, type Node, parseDocument, type Scalar, visit } from "yaml";
import { CheckpointError, shown } from "./errors.ts";
import { resolveReference } from "./hyperpyyaml-references.ts";

/** A Python class, function or module that the file names, with its arguments; inert. */
export class HyperObject {
  /** `new`: an instance; `name`: a function with bound arguments; `apply`: a call's result; `module`: the module itself. */
  readonly kind: "new" | "name" | "apply" | "module";
  /** Full dotted path as written. */
  readonly path: string;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  constructor(
    kind: HyperObject["kind"],
    path: string,
    args: readonly unknown[],
    kwargs: Readonly<Record<string, unknown>>,
  ) {
    this.kind = kind;
    this.path = path;
    this.args = args;
    this.kwargs = kwargs;
  }

  /** Last component of the path: the class or function, whichever package holds it. */
  get className(): string {
    return this.path.slice(this.path.lastIndexOf(".") + 1);
  }
}

// The published files have some 10,000 characters.
const MAX_LENGTH = 2 ** 18;
const MAX_DEPTH = 100;
const MAX_NODES = 100_000;

/**
 * Parses a HyperPyYAML text.
 * @param text at most 262,144 characters.
 * @param file named in messages.
 * @returns the top-level entries: numbers, strings, booleans, null, arrays, plain objects and {@link HyperObject}s.
 * @throws CheckpointError for bad YAML, `!!python/…` and other unknown tags, and references that lead nowhere or in circles.
 */
export function parseHyperPyYaml(text: string, file: string): Readonly<Record<string, unknown>> {
  if (text.length > MAX_LENGTH) throw new CheckpointError(`${file}: is ${text.length} characters long (limit 262,144)`);
  let document: Document.Parsed;
  try {
    // Keys are checked below: the library's own check compares each key with each other.
    document = parseDocument(text, { version: "1.1", uniqueKeys: false, logLevel: "silent", prettyErrors: false });
    if (document.errors.length === 0) return new Builder(document, file).build();
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(`${file}: ${complaint((cause as Error).message)}`, { cause });
  }
  const error = document.errors[0]!;
  const line = text.slice(0, error.pos[0]).split("\n").length;
  throw new CheckpointError(`${file}: line ${line} ${complaint(error.message)}`);
}

function complaint(message: string): string {
  // The library recurses: a file of a hundred thousand brackets overflows the stack.
  if (message.includes("call stack")) return "is nested too deeply";
  return `is not valid YAML (${message.split("\n")[0]!.slice(0, 200)})`;
}

/** Turns the document's nodes into values, top-level entries on demand, so that references may point forwards. */
class Builder {
  readonly #document: Document.Parsed;
  readonly #file: string;
  readonly #pending = new Map<string, Node | null>();
  readonly #values: Record<string, unknown> = Object.create(null);
  readonly #underway = new Set<string>();
  /** Anchored nodes are built once and shared, so that aliases of aliases cannot grow the result. */
  readonly #built = new Map<Node, unknown>();
  readonly #open = new Set<Node>();
  /** The library's own look-up of an alias walks the whole document each time. */
  readonly #anchors = new Map<string, Node>();
  #nodes = 0;

  constructor(document: Document.Parsed, file: string) {
    this.#document = document;
    this.#file = file;
    visit(document, {
      Node: (_, node) => {
        if (isAlias(node) || !node.anchor) return;
        if (this.#anchors.has(node.anchor)) this.#fail(`has the anchor &${node.anchor} twice`);
        this.#anchors.set(node.anchor, node);
      },
    });
  }

  build(): Readonly<Record<string, unknown>> {
    const top = this.#document.contents;
    if (!isMap(top) || hasTag(top)) this.#fail("is not a YAML mapping of names to values");
    for (const { key, value } of top.items) {
      const name = this.#key(key);
      if (this.#pending.has(name)) this.#fail(`has ${shown(name)} twice`);
      this.#pending.set(name, value as Node | null);
    }
    for (const name of this.#pending.keys()) this.#entry(name);
    return { ...this.#values };
  }

  #fail(what: string): never {
    throw new CheckpointError(`${this.#file}: ${what}`);
  }

  /** A top-level entry, built when first asked for. */
  #entry(name: string): unknown {
    if (Object.hasOwn(this.#values, name)) return this.#values[name];
    const node = this.#pending.get(name);
    if (node === undefined) this.#fail(`!ref <${name}> refers to an entry that is not there`);
    if (this.#underway.has(name)) this.#fail(`!ref <${name}> refers to itself`);
    this.#underway.add(name);
    const value = this.#value(node, this.#underway.size);
    this.#underway.delete(name);
    Object.defineProperty(this.#values, name, { value, enumerable: true, configurable: true });
    return value;
  }

  #key(node: unknown): string {
    if (isScalar(node) && !hasTag(node)) {
      const { value } = node;
      if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value);
    }
    return this.#fail("has a key that is not plain text");
  }

  #value(node: Node | null, depth: number): unknown {
    if (depth > MAX_DEPTH) this.#fail(`is nested more than ${MAX_DEPTH} deep`);
    if (node === null) return null;
    if (isAlias(node)) {
      const target = this.#anchors.get(node.source);
      if (!target) this.#fail(`alias *${node.source} has no anchor`);
      return this.#value(target, depth + 1);
    }
    const known = this.#built.get(node);
    if (known !== undefined) return known;
    if (this.#open.has(node)) this.#fail("has an anchor that contains itself");
    if (++this.#nodes > MAX_NODES) this.#fail(`has more than ${MAX_NODES} values`);
    this.#open.add(node);
    const value = hasTag(node) ? this.#tagged(node, depth) : this.#plain(node, depth);
    this.#open.delete(node);
    this.#built.set(node, value);
    return value;
  }

  #plain(node: Node, depth: number): unknown {
    if (isScalar(node)) {
      const { value } = node;
      if (typeof value === "bigint" || typeof value === "object")
        return value === null ? null : String((node as Scalar).source ?? value);
      return value;
    }
    if (isSeq(node)) return node.items.map((item) => this.#value(item as Node | null, depth + 1));
    if (!isMap(node)) return this.#fail("has a value that is not a scalar, list or mapping");
    const result: Record<string, unknown> = {};
    const put = (key: string, value: unknown): void => {
      Object.defineProperty(result, key, { value, enumerable: true, configurable: true, writable: true });
    };
    const own = new Set<string>();
    for (const { key, value } of node.items) {
      const name = this.#key(key);
      const built = this.#value(value as Node | null, depth + 1);
      if (name === "<<") {
        // Merge key of YAML 1.1: defaults that the mapping's own keys override.
        for (const part of Array.isArray(built) ? built : [built]) {
          if (typeof part !== "object" || part === null || part instanceof HyperObject)
            this.#fail("merges (<<) something that is not a mapping");
          for (const [k, v] of Object.entries(part)) {
            if (++this.#nodes > MAX_NODES) this.#fail(`has more than ${MAX_NODES} values`);
            if (!Object.hasOwn(result, k)) put(k, v);
          }
        }
        continue;
      }
      if (own.has(name)) this.#fail(`has ${shown(name)} twice in one mapping`);
      own.add(name);
      put(name, built);
    }
    return result;
  }

  #tagged(node: Node, depth: number): unknown {
    const tag = decodeTag(node.tag!);
    const [, kind, path] = /^!(new|name|apply|module):([\w.]+)$/.exec(tag) ?? [];
    if (kind === "apply" && !SEEDS.has(path!)) {
      return this.#fail(
        `asks to call ${path}, which is refused: of !apply: only ${[...SEEDS].join(", ")} are known, and have no effect`,
      );
    }
    if (kind) {
      const content = this.#plain(node, depth);
      const args = Array.isArray(content)
        ? content
        : isScalar(node) && content !== null && content !== ""
          ? [content]
          : [];
      const kwargs = isMap(node) ? (content as Record<string, unknown>) : {};
      return new HyperObject(kind as HyperObject["kind"], path!, args, kwargs);
    }
    if (tag === "!ref" || tag === "!copy") {
      if (!isScalar(node) || typeof node.value !== "string") return this.#fail(`${tag} needs text such as <name>`);
      return resolveReference(node.value, (name) => this.#entry(name), this.#file);
    }
    if (tag === "!tuple" && isSeq(node)) return this.#plain(node, depth);
    if (tag === "!PLACEHOLDER") return this.#fail("has a !PLACEHOLDER, a value left open for the command line");
    return this.#fail(
      `has the tag ${shown(tag)}, which is refused: only !new:, !name:, !apply:, !module:, !ref and !copy are read`,
    );
  }
}

/** Calls that published configurations make; nothing is called here. */
const SEEDS = new Set(["random.seed", "numpy.random.seed", "torch.manual_seed", "torch.cuda.manual_seed_all"]);

/** Tags of YAML's own types say nothing that the value does not; `!!python/…` and all others count. */
function hasTag(node: Node): boolean {
  return (
    node.tag !== undefined &&
    node.tag !== "!" &&
    !/^tag:yaml\.org,2002:(str|int|float|bool|null|map|seq|merge)$/.test(node.tag)
  );
}

/** `!!python/x` as written, from the full form that the library gives. */
function decodeTag(tag: string): string {
  return tag.replace(/^tag:yaml\.org,2002:/, "!!");
}
