import { compile, load, setNumThreads, tensor } from '../../lib';
import { inputValues, measure, request } from './child';
import { NETWORKS } from './list';

void measure(() => {
  const { network, input, threads, file } = request();
  setNumThreads(threads);
  const model = NETWORKS.find(({ name }) => name === network)!
    .build()
    .eval();
  model.loadStateDict(load(file));
  const session = compile(model);
  session.prepare(input);
  const x = tensor(inputValues(request()), input);
  return Promise.resolve(() => session.run(x));
});
