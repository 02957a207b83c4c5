// Shares a picture's negative with a room over HTTP. The server makes the
// negative from the original bytes and tells all members.

/**
 * @param {string} room
 * @param {string} name of the one who shares
 * @param {Blob} original
 * @returns {Promise<{url: string, offset: number}>} fails with an Error that has a `code`
 */
export async function share(room, name, original) {
  const url = new URL(`rooms/${encodeURIComponent(room)}/images`, new URL(".", location.href));
  if (name) url.searchParams.set("name", name);
  const response = await fetch(url, { method: "POST", body: original });
  const answer = await response.json().catch(() => ({}));
  if (response.status === 201) return answer;
  const { code, message } = answer.error ?? answer;
  throw Object.assign(new Error(message ?? `the server answered ${response.status}`), {
    code: code ?? codeOfStatus(response.status),
  });
}

function codeOfStatus(status) {
  if (status === 413) return "image_too_large";
  return status === 429 || status === 503 ? "overloaded" : "unknown";
}
