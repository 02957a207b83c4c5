// Goes to the room that was asked for.

const input = document.getElementById("room-name-input");

document.getElementById("room-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const room = input.value.trim() || "lobby";
  location.href = `${encodeURIComponent(room)}/`;
});
