/** Sessions of onnxruntime-node, which is installed under bench/, not with nnconv. */

interface Ort {
  InferenceSession: {
    create(
      model: Uint8Array | string,
      options: object,
    ): Promise<{
      run(feeds: object): Promise<{ y: { data: Float32Array } }>;
      release(): Promise<void>;
    }>;
  };
  Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => object;
}

function load(): Ort {
  try {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    return require('onnxruntime-node') as Ort;
  } catch (error) {
    throw new Error('onnxruntime-node is not installed; run: npm ci --prefix bench', {
      cause: error,
    });
  }
}

export function ortVersion(): string {
  load();
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return (require('onnxruntime-node/package.json') as { version: string }).version;
}

export interface OrtSession {
  /** A function that runs the model on this input. */
  runner(x: Float32Array, shape: readonly number[]): () => Promise<Float32Array>;
  release(): Promise<void>;
}

/** Of a model, in memory or a file, with an input `x` and an output `y`. */
export async function createSession(
  model: Uint8Array | string,
  threads: number,
): Promise<OrtSession> {
  const ort = load();
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    executionProviders: ['cpu'],
  });
  return {
    runner(x, shape) {
      const feeds = { x: new ort.Tensor('float32', x, shape) };
      return async () => (await session.run(feeds)).y.data;
    },
    release: () => session.release(),
  };
}
