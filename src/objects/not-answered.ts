/** Another object has not answered, or not as it had to, for as long as anybody waits: no bug, and asked again later. */
export class NotAnswered extends Error {
  override readonly name = "NotAnswered";
}
