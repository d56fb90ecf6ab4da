console.log("tools");
