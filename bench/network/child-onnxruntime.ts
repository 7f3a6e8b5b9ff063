import { createSession } from '../peers/ort';
import { inputValues, measure, request } from './child';

void measure(async () => {
  const { input, threads, file } = request();
  const session = await createSession(file, threads);
  return session.runner(inputValues(request()), input);
});
