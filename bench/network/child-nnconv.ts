import { compile, load, nn, setNumThreads, tensor } from '../../lib';
import { inputValues, measure, request } from './child';
import { NETWORKS } from './list';

void measure(() => {
  const { network, input, threads, file } = request();
  setNumThreads(threads);
  const found = NETWORKS.find(({ name }) => name === network)!;
  const model = nn.utils.skipInit(() => found.build()).eval();
  model.loadStateDict(load(file));
  const session = compile(model);
  session.prepare(input);
  const x = tensor(inputValues(request()), input);
  return Promise.resolve(() => session.run(x));
});
