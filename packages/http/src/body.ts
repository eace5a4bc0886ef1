/** Largest answer that is read, in bytes. A page of 1000 income rows has 0.2 MB. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024

/** The body as text, or undefined when it is longer than `maxBytes`; what is left of it is then not read. */
export async function readBody(response: Response, maxBytes: number): Promise<string | undefined> {
  if (response.body === null) return ''
  if (Number(response.headers.get('content-length')) > maxBytes) return undefined
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let bytes = 0
  let text = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return text + decoder.decode()
    // Counted after decompression: a small answer can unfold to a huge one.
    bytes += value.byteLength
    if (bytes > maxBytes) return undefined
    text += decoder.decode(value, { stream: true })
  }
}
