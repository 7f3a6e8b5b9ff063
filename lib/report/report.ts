/** What a network is and does with one input, as a page. */
import { argTypeError, shapeError, show } from '../errors';
import { compile, type Profile } from '../graph';
import { escapeHtml } from '../html';
import { Module } from '../nn/module';
import { summary, type Summary } from '../nn/summary';
import { COLUMNS } from '../nn/summary/columns';
import { inEvaluation } from '../nn/trace';
import { optionsOf } from '../options';
import { runtimeInfo, version } from '../runtime';
import { checkFloat32, isTensor, type Tensor } from '../tensor';
import { predictionTable, timeSection } from './bars';
import { milliseconds, short, times } from './format';
import { graphSection } from './graph-section';
import { type Network, networkOf } from './network';
import { pageHtml, type Section } from './page';
import { featureFigures, inputFigure, kernelFigures } from './pictures';
import { predictionsOf, readLabels } from './predictions';

export interface ReportOptions {
  /** What `forward` is given: a float32 tensor with a batch, or several. */
  input: Tensor | readonly Tensor[];
  /** The page's title. Default: the class of the model. */
  title?: string;
  /** Names of the classes, for an output of shape (N, classes). Default: their numbers. */
  labels?: readonly string[];
  /**
   * The picture that the input was made of, (C, H, W) with values 0 to 1 and C 1, 3 or 4. Default: the
   * input itself, stretched to its range, where it has as many channels.
   */
  picture?: Tensor;
}

/** A network in use, for sections that need one; the reason where it can't be compiled. */
type Compiled = { network: Network; output: unknown } | { reason: string };

function compiled(model: Module, inputs: readonly Tensor[]): Compiled {
  const session = compile(model);
  try {
    const output = session.run<unknown>(...inputs);
    const profile: Profile = session.profile(...inputs);
    return { network: networkOf(model, profile), output };
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_NNCONV_TRACE') throw error;
    return { reason: (error as Error).message };
  } finally {
    session.dispose();
  }
}

interface Parts {
  model: Module;
  inputs: readonly Tensor[];
  compiled: Compiled;
  output: unknown;
  layers: Summary;
  labels: readonly string[] | undefined;
  picture: Tensor | undefined;
}

function inputSection({ inputs, output, labels, picture }: Parts): Section | undefined {
  const shown = inputFigure(inputs[0], picture);
  const found = predictionsOf(output, labels);
  if (shown === '' && found === undefined) return undefined;
  const table = found
    ? `<div>${predictionTable(found.predictions)}<p class="note">${
        found.softmax ? 'Softmax of the output' : 'The output'
      }, the most probable classes.</p></div>`
    : '';
  const title = found ? 'Input and predictions' : 'Input';
  return {
    id: 'input',
    title,
    body: shown !== '' && table !== '' ? `<div class="pair">${shown}${table}</div>` : shown + table,
  };
}

function threadsText(): string {
  const { threads, isa } = runtimeInfo();
  return `${threads} ${threads === 1 ? 'thread' : 'threads'}, ${isa}`;
}

function networkSections({ compiled: result }: Parts): Section[] {
  if ('reason' in result) {
    const body = `<p>There is no diagram and there are no times: the model can't be compiled.</p><p class="muted">${escapeHtml(result.reason)}</p>`;
    return [{ id: 'network', title: 'Network', body }];
  }
  const { network } = result;
  const intro =
    '<p class="muted">The compiled network: norms, sums and activations are done within the step that they are named with.</p>';
  return [
    { id: 'network', title: 'Network', body: intro + graphSection(network) },
    { id: 'time', title: 'Time', body: timeSection(network, threadsText()) },
  ];
}

function pictureSections({ model, inputs, layers }: Parts): Section[] {
  const kernels = kernelFigures(model);
  const features = featureFigures(model, inputs, layers);
  const sections: Section[] = [];
  if (kernels !== '') {
    const body = `<p class="muted">What the first convolutions look for, each kernel by its own range.</p><div class="figures">${kernels}</div>`;
    sections.push({ id: 'kernels', title: 'Kernels', body });
  }
  if (features !== '') {
    const body = `<p class="muted">What is left of the input at the end of each stage, for the first channels.</p><div class="figures">${features}</div>`;
    sections.push({ id: 'features', title: 'Feature maps', body });
  }
  return sections;
}

function readInputs(input: unknown): readonly Tensor[] {
  const inputs = isTensor(input) ? [input] : input;
  if (!Array.isArray(inputs) || inputs.length === 0) {
    throw argTypeError(`input must be a Tensor or an array of them, got ${show(input)}`);
  }
  inputs.forEach((tensor, i) => checkFloat32(inputs.length > 1 ? `input[${i}]` : 'input', tensor));
  return inputs as Tensor[];
}

function readPicture(picture: unknown): Tensor | undefined {
  if (picture === undefined) return undefined;
  checkFloat32('picture', picture);
  const { shape } = picture;
  if (shape.length !== 3 || ![1, 3, 4].includes(shape[0]) || shape.includes(0)) {
    throw shapeError(
      `picture must have shape (C, H, W) with C 1, 3 or 4, got [${shape.join(', ')}]`,
    );
  }
  return picture;
}

/**
 * One HTML document about `model` and what it does with `input`: predictions, the compiled network as
 * a diagram, the time of each step, kernels of the first convolutions, feature maps of each stage, and
 * the table of {@link summary}. It needs no other file and no network, is readable without JavaScript,
 * on a phone and in a dark colour scheme. Titles, labels and names of modules are shown as the text that
 * they are.
 *
 * `forward` runs several times, in evaluation mode; the model stays as it is. A model that can't be
 * compiled gets a page without diagram and times.
 *
 * @throws TypeError ERR_NNCONV_ARG_TYPE, ERR_NNCONV_UNKNOWN_OPTION; RangeError ERR_NNCONV_ARG_VALUE,
 *   ERR_NNCONV_SHAPE; what `forward` throws
 */
export function report(model: Module, options: ReportOptions): string {
  if (!(model instanceof Module)) {
    throw argTypeError(`model must be an nn.Module, got ${show(model)}`);
  }
  const given = optionsOf('report', options, ['input', 'title', 'labels', 'picture']);
  const inputs = readInputs(given.input);
  const { title = model.constructor.name } = given;
  if (typeof title !== 'string') throw argTypeError(`title must be a string, got ${show(title)}`);
  const labels = readLabels(given.labels);
  const picture = readPicture(given.picture);

  return inEvaluation(model, () => {
    const shapes = inputs.map(({ shape }) => shape);
    const layers = summary(model, shapes, { depth: Infinity, colNames: COLUMNS });
    const result = compiled(model, inputs);
    const output =
      'output' in result
        ? result.output
        : (model.forward as (...args: unknown[]) => unknown)(...inputs);
    const parts: Parts = { model, inputs, compiled: result, output, layers, labels, picture };
    const first = inputSection(parts);
    const { totals } = layers;
    return pageHtml({
      title,
      lead: `${model.constructor.name}, given an input of ${shapes.map(times).join(' and ')}`,
      facts: [
        ['Parameters', short(totals.parameters)],
        ['Mult-adds', short(totals.multAdds)],
        ['Weights', `${(totals.parameterBytes / 1e6).toFixed(1)} MB`],
        ...('network' in result
          ? ([['Time of a run', milliseconds(result.network.seconds)]] as const)
          : []),
      ],
      sections: [
        ...(first ? [first] : []),
        ...networkSections(parts),
        ...pictureSections(parts),
        { id: 'summary', title: 'Layers', body: layers.toHTML() },
      ],
      footer: `nnconv ${version}, ${runtimeInfo().cpu}, ${threadsText()}`,
    });
  });
}
