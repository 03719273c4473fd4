document.title = "warm";
