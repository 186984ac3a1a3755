use std::path::Path;

type Promise = fn(&[u8]);

#[test]
fn every_example_of_the_corpus_keeps_its_promises() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let targets: [(&str, Promise); 3] =
        [("event", super::event), ("document", super::document), ("derived", super::derived)];
    for (target, promise) in targets {
        let examples: Vec<_> = corpus.join(target).read_dir().unwrap().collect();
        assert!(examples.len() > 5, "{target}");
        for example in examples {
            promise(&std::fs::read(example.unwrap().path()).unwrap());
        }
    }
}
