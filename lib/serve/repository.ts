/** The models that are served, by name and version. */
import { argValueError } from '../errors';
import type { CheckedModel } from './config';
import { notFound } from './http-error';
import { type LoadOptions, ServedModel } from './model';

/** A model in the index of the repository. */
export interface IndexEntry {
  /** The model's name. */
  readonly name: string;
  /** The model's version. */
  readonly version: string;
  /** Whether it answers. */
  readonly state: 'READY' | 'UNAVAILABLE';
  /** Why it doesn't, else empty. */
  readonly reason: string;
}

export class Repository {
  readonly #options: LoadOptions;
  #configs: readonly CheckedModel[] = [];
  /** By name, then by version; the highest version last. */
  #models = new Map<string, ReadonlyMap<string, ServedModel>>();
  readonly #retiring = new Set<ServedModel>();
  /** Changes are made one after another. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(options: LoadOptions = {}) {
    this.#options = options;
  }

  /**
   * The model that a request means; without a version the highest one.
   *
   * @throws HttpError 404
   */
  get(name: string, version?: string): ServedModel {
    const versions = this.#models.get(name);
    if (versions === undefined) throw notFound(`there is no model '${clip(name)}'`);
    const model = version === undefined ? [...versions.values()].at(-1) : versions.get(version);
    if (model === undefined) {
      throw notFound(
        `the model '${name}' has no version '${clip(version!)}'; it has ${[...versions.keys()].join(', ')}`,
      );
    }
    return model;
  }

  /** All that are loaded. */
  models(): ServedModel[] {
    return [...this.#models.values()].flatMap((versions) => [...versions.values()]);
  }

  /** Loaded ones, and those that were taken away and may still answer. */
  all(): ServedModel[] {
    return [...this.models(), ...this.#retiring];
  }

  versions(name: string): string[] {
    return [...(this.#models.get(name)?.keys() ?? [])];
  }

  index(): IndexEntry[] {
    return this.#configs.map(({ name, version }) => {
      const loaded = this.#models.get(name)?.has(version) ?? false;
      return {
        name,
        version,
        state: loaded ? 'READY' : 'UNAVAILABLE',
        reason: loaded ? '' : 'unloaded',
      };
    });
  }

  /**
   * Loads all versions of a model anew: requests get the old one until the new one is ready, and
   * where it can't be loaded. Those that the old one has are answered by it.
   *
   * @throws HttpError 404; what is wrong with the model
   */
  load(name: string): Promise<void> {
    return this.#change(async () => {
      const configs = this.#configs.filter((config) => config.name === name);
      if (configs.length === 0) throw notFound(`there is no model '${clip(name)}'`);
      const loaded = await this.#loadAll(configs);
      this.#replace(new Map([...this.#models, ...loaded]));
    });
  }

  /** Takes a model away until it is loaded again. */
  unload(name: string): Promise<void> {
    return this.#change(() => {
      if (!this.#models.has(name)) throw notFound(`there is no model '${clip(name)}'`);
      const rest = new Map(this.#models);
      rest.delete(name);
      this.#replace(rest);
    });
  }

  /** Loads all models of a new config, and then replaces all by them; or none where one fails. */
  reconfigure(configs: readonly CheckedModel[] = this.#configs): Promise<void> {
    return this.#change(async () => {
      const loaded = await this.#loadAll(configs);
      this.#configs = configs;
      this.#replace(loaded);
    });
  }

  /** Resolves once nobody waits for an answer any more. */
  async idle(): Promise<void> {
    await Promise.all(this.all().map(({ batcher }) => batcher.idle()));
  }

  abortAll(reason: unknown): void {
    for (const { batcher } of this.all()) batcher.abortAll(reason);
  }

  /** Ends all work and frees everything. */
  close(reason: unknown): Promise<void> {
    return this.#change(async () => {
      this.abortAll(reason);
      this.#replace(new Map());
      await this.idle();
    });
  }

  #change<T>(change: () => T | Promise<T>): Promise<T> {
    const result = this.#changes.then(change);
    this.#changes = result.catch(() => undefined);
    return result;
  }

  #replace(models: Map<string, ReadonlyMap<string, ServedModel>>): void {
    const before = this.models();
    this.#models = models;
    const kept = new Set(this.models());
    for (const model of before.filter((old) => !kept.has(old))) {
      this.#retiring.add(model);
      void model.retire().finally(() => this.#retiring.delete(model));
    }
  }

  async #loadAll(
    configs: readonly CheckedModel[],
  ): Promise<Map<string, ReadonlyMap<string, ServedModel>>> {
    const result = new Map<string, Map<string, ServedModel>>();
    const loaded: ServedModel[] = [];
    try {
      for (const config of [...configs].sort(byVersion)) {
        const model = await ServedModel.load(config, this.#options).catch((cause: unknown) => {
          throw argValueError(
            `the model '${config.name}' can't be loaded: ${(cause as Error).message}`,
            { cause },
          );
        });
        loaded.push(model);
        const versions = result.get(config.name) ?? new Map<string, ServedModel>();
        result.set(config.name, versions.set(config.version, model));
      }
      return result;
    } catch (error) {
      await Promise.all(loaded.map((model) => model.retire()));
      throw error;
    }
  }
}

/** Numbers by value. */
function byVersion(a: CheckedModel, b: CheckedModel): number {
  return a.version.localeCompare(b.version, 'en', { numeric: true });
}

function clip(text: string): string {
  return text.slice(0, 64);
}
