"""What a text is about, as a vector of unit length: texts are alike as their vectors' cosine says."""
