"""The invented corpus: facts by subject (*.txt, written for this project), and the shapes that turn them into documents."""
