/** What an operator has to set right before the process can start, in a sentence: a stack would say nothing more. */
export class StartError extends Error {
  override name = 'StartError';
}
