use std::path::Path;

#[test]
fn every_example_of_the_corpus_keeps_its_promises() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/requests");
    let examples: Vec<_> = corpus.read_dir().unwrap().collect();
    assert!(examples.len() > 5);
    for example in examples {
        super::requests(&std::fs::read(example.unwrap().path()).unwrap());
    }
}
